import Reactor
import Services

extension CommandTable {
    static let stringCommands = stringReadCommands + stringWriteCommands + stringChangeCommands

    private static let stringReadCommands: [Command] = [
        Command(
            "get", arity: 2, [.readonly, .fast], keys: .one, .string, since: "1.0.0",
            "The value of a key, or null.", .get),
        Command(
            "mget", arity: -2, [.readonly, .fast], keys: .all, .string, since: "1.0.0", complexity: "O(N)",
            "The values of several keys, all of one moment.", .keyed(StringCommands.getMany)),
        Command(
            "strlen", arity: 2, [.readonly, .fast], keys: .one, .string, since: "2.2.0",
            "How many bytes a value has.", .keyed(StringCommands.length)),
        Command(
            "getrange", arity: 4, [.readonly], keys: .one, .string, since: "2.4.0", complexity: "O(N)",
            "A part of a value, by its first and last byte.", .keyed(StringCommands.range)),
        Command(
            "substr", arity: 4, [.readonly], keys: .one, .string, since: "1.0.0", complexity: "O(N)",
            "GETRANGE by its old name.",
            .keyed(StringCommands.range)),
        Command(
            "lcs", arity: -3, [.readonly], keys: .two, .string, since: "7.0.0", complexity: "O(N*M)",
            "The longest sequence of bytes that two values share in order, its length, or where it stands.",
            .keyed(StringCommands.commonSubsequence)),
        Command(
            "getdel", arity: 2, [.write, .fast], keys: .one, .string, since: "6.2.0",
            "The value of a key, which is removed.", .keyed(StringCommands.getAndDelete)),
        Command(
            "getex", arity: -2, [.write, .fast], keys: .one, .string, since: "6.2.0",
            "The value of a key, whose expiry changes.",
            .keyed(StringCommands.getAndExpire)),
    ]

    private static let stringWriteCommands: [Command] = [
        Command(
            "set", arity: -3, [.write, .denyOOM], keys: .one, .string, since: "1.0.0",
            "Stores a value, with an expiry and a condition if they are given.",
            .set(StringCommands.set)),
        Command(
            "setnx", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Stores a value if the key is free.", .keyed(StringCommands.setIfAbsent)),
        Command(
            "setex", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.0.0",
            "Stores a value for so many seconds.",
            .keyed(StringCommands.setExpiring(.seconds, "setex"))),
        Command(
            "psetex", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.6.0",
            "Stores a value for so many milliseconds.",
            .keyed(StringCommands.setExpiring(.milliseconds, "psetex"))),
        Command(
            "getset", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Stores a value, and answers the one before.",
            .keyed(StringCommands.getAndSet)),
        Command(
            "mset", arity: -3, [.write, .denyOOM], keys: .everySecond, .string, since: "1.0.1", complexity: "O(N)",
            "Stores several values at one moment.", .keyed(StringCommands.setMany)),
        Command(
            "msetnx", arity: -3, [.write, .denyOOM], keys: .everySecond, .string, since: "1.0.1", complexity: "O(N)",
            "Stores several values if all of their keys are free.",
            .keyed(StringCommands.setManyIfAbsent)),
    ]

    private static let stringChangeCommands: [Command] = [
        Command(
            "append", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "2.0.0",
            "Adds bytes to the end of a value, and answers its length.",
            .keyed(StringCommands.append)),
        Command(
            "setrange", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.2.0",
            "Writes bytes into a value from an offset on, and answers its length.",
            .keyed(StringCommands.setRange)),
        Command(
            "incr", arity: 2, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Adds 1 to a whole number.",
            .keyed(StringCommands.increment(by: 1))),
        Command(
            "decr", arity: 2, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Takes 1 from a whole number.",
            .keyed(StringCommands.increment(by: -1))),
        Command(
            "incrby", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Adds to a whole number.",
            .keyed(StringCommands.incrementBy)),
        Command(
            "decrby", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Takes from a whole number.",
            .keyed(StringCommands.decrementBy)),
        Command(
            "incrbyfloat", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "2.6.0",
            "Adds to a number with a fraction.",
            .keyed(StringCommands.incrementByFloat)),
    ]
}

/// The handlers of strings stand in `Commands+Strings…`, by what they do.
enum StringCommands {}
