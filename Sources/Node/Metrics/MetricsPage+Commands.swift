extension MetricsPage {
    /// The commands of the Redis protocol.
    func writeCommands(to page: inout PrometheusText) {
        write("tribe_resp_connections", .gauge, "Open connections of the Redis protocol by loop.", to: &page) {
            $0.clients
        }
        var counts = readings[0].commands
        for reading in readings.dropFirst() { counts.add(reading.commands) }
        let called = zip(CommandTable.shared.rows, counts.rows).filter { $0.1.calls > 0 }
        page.family("tribe_resp_commands_total", .counter, "Commands of the Redis protocol that were run.")
        for (command, row) in called {
            page.sample("tribe_resp_commands_total", [("command", command.name)], row.calls)
        }
        page.family("tribe_resp_errors_total", .counter, "Errors that commands were answered with, by their code.")
        for (code, count) in counts.errors.sorted(by: { $0.key < $1.key }) {
            page.sample("tribe_resp_errors_total", [("error", code)], count)
        }
    }
}
