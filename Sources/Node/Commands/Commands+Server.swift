import Reactor
import Services

extension CommandTable {
    static let serverCommands: [Command] = []
}
