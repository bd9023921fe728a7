extension CommandTable {
    static let pubsubCommands: [Command] = []
}
