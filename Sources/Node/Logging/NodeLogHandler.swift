package import Logging
import Reactor

/// Log lines on standard error: for a person if that is a terminal, else one JSON object a line.
package struct NodeLogHandler: LogHandler {
    package enum Style: String, Sendable {
        case text
        case json
    }

    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    private let style: Style
    private let write: @Sendable (String) -> Void

    package init(style: Style, write: @escaping @Sendable (String) -> Void = HostProcess.writeToStandardError) {
        self.style = style
        self.write = write
    }

    package static func standard() -> NodeLogHandler {
        NodeLogHandler(style: HostProcess.isTerminal(descriptor: 2) ? .text : .json)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Timestamp(milliseconds: HostProcess.wallMilliseconds).rfc3339.text
        switch style {
        case .text:
            let pairs = all.map { " \($0.key)=\($0.value)" }.joined()
            write("\(time) \(event.level) \(event.message)\(pairs)\n")
        case .json:
            var line = JSONWriter()
            line.object { line in
                line.member("time", time)
                line.member("level", event.level.rawValue)
                line.member("message", event.message.description)
                for (key, value) in all { line.member(key, value.description) }
            }
            write(String(decoding: line.bytes, as: UTF8.self) + "\n")
        }
    }
}
