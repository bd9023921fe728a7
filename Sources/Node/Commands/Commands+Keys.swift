import Reactor
import Services

extension CommandTable {
    static let keyCommands: [Command] = [
        Command(
            "del", arity: -2, [.write], keys: .all, .generic, since: "1.0.0", complexity: "O(N)",
            "Deletes one or more keys.", .keyed(KeyCommands.delete)),
        Command(
            "exists", arity: -2, [.readonly, .fast], keys: .all, .generic, since: "1.0.0", complexity: "O(N)",
            "Determines whether one or more keys exist.", .keyed(KeyCommands.exists)),
    ]
}

enum KeyCommands {
    static let delete: KeyedHandler = { keys, arguments throws(CommandError) in
        var count = 0
        for index in 1..<arguments.count where keys.remove(arguments[index]) { count += 1 }
        return .integer(count)
    }

    static let exists: KeyedHandler = { keys, arguments throws(CommandError) in
        var count = 0
        for index in 1..<arguments.count where keys.facts(of: arguments[index]) != nil { count += 1 }
        return .integer(count)
    }
}
