import Reactor
import Services

/// `GET /`: a plain page about this node for people. No script, nothing from elsewhere.
enum StatusPage {
    static let handle: SystemHandlers.Handler = { service, exchange, _ in
        let node = service.node
        LoopReading.gather(node, on: service.loop) { readings in
            guard exchange.isAnswerable else { return }
            let response = exchange.respond(.ok)
            response.headers("Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n")
            response.headers("X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n")
            response.headers("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n")
            response.finish(body: page(node, readings))
        }
    }

    /// In per cent with one decimal, rounded down: only what is whole is called 100.0 %.
    static func share(_ part: UInt64, of whole: UInt64) -> String {
        let tenths = part * 1_000 / whole
        return "\(tenths / 10).\(tenths % 10) %"
    }

    private static func page(_ node: NodeContext, _ readings: [LoopReading]) -> String {
        let entries = readings.reduce(0) { $0 + $1.cache.entries }
        let hits = readings.reduce(0) { $0 + $1.cache.hits }
        let lookups = readings.reduce(hits) { $0 + $1.cache.misses }
        let rate = lookups == 0 ? "no reads yet" : "\(share(hits, of: lookups)) of \(lookups) reads"
        let rows = [
            ("Node", node.identity.id),
            ("Version", TribeVersion.text),
            ("State", node.isDraining ? "draining" : "serving"),
            ("Up", DurationText.render(.seconds(Int64(node.uptimeSeconds)))),
            ("Event loops", "\(readings.count)"),
            ("Connections", "\(readings.reduce(0) { $0 + $1.connections })"),
            ("Entries", "\(entries)"),
            ("Cache memory", "\(node.cache.account.used >> 20) of \(node.cache.account.budget >> 20) MiB"),
            ("Resident memory", "\(HostProcess.residentBytes >> 20) MiB"),
            ("Hits", rate),
        ]
        let table = rows.map { "<tr><th>\($0.0)<td>\(escaped($0.1))" }.joined(separator: "\n")
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Tribe: \(escaped(node.identity.id))</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem}
            th{text-align:left;padding-right:2rem;font-weight:500}</style>
            <h1>Tribe</h1>
            <table>
            \(table)
            </table>
            <p><a href="/metrics">Metrics</a>, <a href="/v1/cluster">members</a>,
            <a href="/v1/cache">keys</a>, <a href="/openapi.json">the interface</a></p>
            </html>

            """
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
