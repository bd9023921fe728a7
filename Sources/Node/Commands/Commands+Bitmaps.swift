import Reactor
import Services

extension CommandTable {
    static let bitmapCommands: [Command] = []
}
