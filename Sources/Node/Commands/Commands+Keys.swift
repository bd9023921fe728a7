import Reactor
import Services

/// Commands about keys whatever stands under them. What concerns their expiry is in `Commands+KeysExpiry`, what looks
/// inside in `Commands+KeysInspection`, and what concerns all keys at once in `Commands+Keyspace`.
extension CommandTable {
    static let keyCommands: [Command] = [
        Command(
            "del", arity: -2, [.write], keys: .all, .generic, since: "1.0.0", complexity: "O(N)",
            "Removes keys, and answers how many there were.", .keyed(KeyCommands.delete)),
        Command(
            "unlink", arity: -2, [.write, .fast], keys: .all, .generic, since: "4.0.0", complexity: "O(N)",
            "Deletes one or more keys. The same as DEL: memory is given back at once.", .keyed(KeyCommands.delete)),
        Command(
            "exists", arity: -2, [.readonly, .fast], keys: .all, .generic, since: "1.0.0", complexity: "O(N)",
            "How many of the keys are there; one named twice counts twice.", .keyed(KeyCommands.exists)),
        Command(
            "touch", arity: -2, [.readonly, .fast], keys: .all, .generic, since: "3.2.1", complexity: "O(N)",
            "Counts a use of each of the keys and returns how many exist.", .keyed(KeyCommands.touch)),
        Command(
            "type", arity: 2, [.readonly, .fast], keys: .one, .generic, since: "1.0.0",
            "What kind of value a key has: string, or none.", .keyed(KeyCommands.type)),
        Command(
            "rename", arity: 3, [.write], keys: .two, .generic, since: "1.0.0",
            "Moves an entry to another key, over what is there.",
            .keyed { keys, arguments throws(CommandError) in
                _ = try KeyCommands.rename(keys, arguments, overwrites: true)
                return .ok
            }),
        Command(
            "renamenx", arity: 3, [.write, .fast], keys: .two, .generic, since: "1.0.0",
            "Moves an entry to another key if that is free.",
            .keyed { keys, arguments throws(CommandError) in
                .flag(try KeyCommands.rename(keys, arguments, overwrites: false))
            }),
        Command(
            "copy", arity: -3, [.write, .denyOOM], keys: .two, .generic, since: "6.2.0",
            "Copies an entry to another key, with all that it has.", .keyed(KeyCommands.copy)),
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

    static let touch: KeyedHandler = { keys, arguments throws(CommandError) in
        var count = 0
        for index in 1..<arguments.count where keys.use(arguments[index]) { count += 1 }
        return .integer(count)
    }

    static let type: KeyedHandler = { keys, arguments throws(CommandError) in
        .status(keys.facts(of: arguments[1])?.kind.typeName ?? "none")
    }

    /// False: it is not to be overwritten, and there is an entry under the new name.
    static func rename(
        _ keys: any Keyspace, _ arguments: Arguments, overwrites: Bool
    ) throws(CommandError) -> Bool {
        let (old, new) = (arguments[1], arguments[2])
        guard let entry = keys.copy(of: old) else { throw .noSuchKey }
        guard !isSame(old, new) else { return overwrites }
        guard overwrites || keys.facts(of: new) == nil else { return false }
        try keys.storeWhole(new, entry)
        keys.remove(old)
        return true
    }

    static let copy: KeyedHandler = { keys, arguments throws(CommandError) in
        let (source, destination) = (arguments[1], arguments[2])
        let overwrites = try copyOverwrites(arguments)
        guard !isSame(source, destination) else {
            throw CommandError("ERR source and destination objects are the same")
        }
        guard let entry = keys.copy(of: source), overwrites || keys.facts(of: destination) == nil else {
            return .integer(0)
        }
        try keys.storeWhole(destination, entry)
        return .integer(1)
    }

    private static func copyOverwrites(_ arguments: Arguments) throws(CommandError) -> Bool {
        var overwrites = false
        var index = 3
        while index < arguments.count {
            if arguments.has("replace", at: index) {
                overwrites = true
            } else if arguments.has("db", at: index), index + 1 < arguments.count {
                index += 1
                try arguments.checkDatabase(index)
            } else {
                throw .syntax
            }
            index += 1
        }
        return overwrites
    }

    private static func isSame(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        one.count == other.count && one.indices.allSatisfy { one[$0] == other[$0] }
    }
}

extension Keyspace {
    /// Stores an entry with all that it has.
    fileprivate func storeWhole(_ key: Span<UInt8>, _ entry: StoredEntry) throws(CommandError) {
        do throws(CacheFault) {
            try store(key, entry)
        } catch {
            throw CommandError(error)
        }
    }
}

extension ValueKind {
    /// As TYPE and SCAN name it.
    var typeName: StaticString {
        switch self {
        case .bytes: "string"
        }
    }

    /// The kind of this name, in any case.
    init?(typeName word: Int, of arguments: Arguments) {
        let kind = ValueKind.bytes
        guard arguments.has(kind.typeName, at: word) else { return nil }
        self = kind
    }
}
