import Foundation
import Simulator

/// Measures a node's cost in clusters of many sizes: as a table on standard output, and as a plot.
struct CostReport {
    static let sizes = [3, 5, 8, 16, 32, 64, 128, 256, 512, 1_000]

    private var rows: [ClusterCost] = []

    /// False: a cluster did not come together.
    mutating func measure(upTo sizeMax: Int) -> Bool {
        print("| nodes | messages/s | bytes/s | CPU µs/s |\n|---:|---:|---:|---:|")
        for size in Self.sizes where size <= sizeMax {
            guard let cost = ClusterCost.measure(nodes: size, stopwatch: Self.threadTime)
            else {
                print("a cluster of \(size) nodes did not come together")
                return false
            }
            rows.append(cost)
            // As they come: the largest take minutes.
            defer { fflush(nil) }
            let numbers = [cost.messages, cost.bytes, cost.cpu].map { String(format: "%.0f", $0) }
            print("| \(size) | " + numbers.joined(separator: " | ") + " |")
        }
        return true
    }

    /// Nanoseconds of CPU that this thread has had: what others do on the machine does not enter.
    private static func threadTime() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: Plot

    private static let (width, height, margin) = (640.0, 400.0, 60.0)

    /// Both axes are logarithmic; each line is in its own unit.
    func plot() -> String {
        let series: [(name: String, colour: String, value: (ClusterCost) -> Double)] = [
            ("bytes/s", "#1b6ca8", { $0.bytes }), ("CPU µs/s", "#b8502e", { $0.cpu }),
            ("messages/s", "#3a7d44", { $0.messages }),
        ]
        let highest = rows.flatMap { row in series.map { $0.value(row) } }.max() ?? 1
        let decades = ceil(log10(max(highest, 10)))
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            <text x="\(Int(Self.margin))" y="24">Cost of one node, by nodes in the cluster</text>

            """
        for decade in 0...Int(decades) {
            let y = y(pow(10, Double(decade)), decades)
            svg += """
                <path d="M\(Self.margin) \(y)H\(Self.width - 90)" stroke="#ddd"/>
                <text x="\(Self.margin - 6)" y="\(y + 4)" text-anchor="end">\(Int(pow(10, Double(decade))))</text>

                """
        }
        for row in rows {
            svg += "<text x=\"\(x(row.nodes))\" y=\"\(Self.height - 30)\" text-anchor=\"middle\">\(row.nodes)</text>\n"
        }
        for line in series {
            let points = rows.map { "\(x($0.nodes)),\(y(line.value($0), decades))" }.joined(separator: " ")
            svg += "<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(line.colour)\" stroke-width=\"2\"/>\n"
            guard let last = rows.last else { continue }
            svg += """
                <text x="\(x(last.nodes) + 6)" y="\(y(line.value(last), decades) + 4)" fill="\(line.colour)">\
                \(line.name)</text>

                """
        }
        return svg + "</svg>\n"
    }

    private func x(_ nodes: Int) -> Double {
        let (low, high) = (log10(3.0), log10(1_000.0))
        return rounded(Self.margin + (log10(Double(nodes)) - low) / (high - low) * (Self.width - 90 - Self.margin))
    }

    private func y(_ value: Double, _ decades: Double) -> Double {
        let room = Self.height - 2 * Self.margin
        return rounded(Self.height - Self.margin - log10(max(value, 1)) / decades * room)
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
