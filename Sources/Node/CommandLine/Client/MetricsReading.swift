/// Samples in Prometheus' text format, as a node's `/metrics` has them.
struct MetricsReading {
    private var sums: [String: Double] = [:]
    private var maxima: [String: Double] = [:]

    /// Lines that are no samples are passed over.
    init(_ text: [UInt8]) {
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                continue
            }
            let name = String(line[..<space].prefix { $0 != "{" })
            sums[name, default: 0] += value
            maxima[name] = max(maxima[name] ?? value, value)
        }
    }

    /// Over all labels; 0: there is no such sample.
    func sum(of name: String) -> Double { sums[name] ?? 0 }

    /// The largest among all labels; 0: there is no such sample.
    func maximum(of name: String) -> Double { maxima[name] ?? 0 }
}
