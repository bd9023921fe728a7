import Reactor
import Services

extension CommandTable {
    static let stringCommands = stringReadCommands + stringWriteCommands + stringChangeCommands

    private static let stringReadCommands: [Command] = [
        Command(
            "get", arity: 2, [.readonly, .fast], keys: .one, .string, since: "1.0.0",
            "Returns the string value of a key.", .get),
        Command(
            "mget", arity: -2, [.readonly, .fast], keys: .all, .string, since: "1.0.0", complexity: "O(N)",
            "Atomically returns the string values of one or more keys.", .keyed(StringCommands.getMany)),
        Command(
            "strlen", arity: 2, [.readonly, .fast], keys: .one, .string, since: "2.2.0",
            "Returns the length of a string value.", .keyed(StringCommands.length)),
        Command(
            "getrange", arity: 4, [.readonly], keys: .one, .string, since: "2.4.0", complexity: "O(N)",
            "Returns a substring of the string stored at a key.", .keyed(StringCommands.range)),
        Command(
            "substr", arity: 4, [.readonly], keys: .one, .string, since: "1.0.0", complexity: "O(N)",
            "Returns a substring of the string stored at a key: an old name of GETRANGE.",
            .keyed(StringCommands.range)),
        Command(
            "lcs", arity: -3, [.readonly], keys: .two, .string, since: "7.0.0", complexity: "O(N*M)",
            "Finds the longest common subsequence of two strings.", .keyed(StringCommands.commonSubsequence)),
        Command(
            "getdel", arity: 2, [.write, .fast], keys: .one, .string, since: "6.2.0",
            "Returns the string value of a key and deletes the key.", .keyed(StringCommands.getAndDelete)),
        Command(
            "getex", arity: -2, [.write, .fast], keys: .one, .string, since: "6.2.0",
            "Returns the string value of a key and sets or removes its expiration time.",
            .keyed(StringCommands.getAndExpire)),
    ]

    private static let stringWriteCommands: [Command] = [
        Command(
            "set", arity: -3, [.write, .denyOOM], keys: .one, .string, since: "1.0.0",
            "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
            .keyed(StringCommands.set)),
        Command(
            "setnx", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Sets the string value of a key only when the key doesn't exist.", .keyed(StringCommands.setIfAbsent)),
        Command(
            "setex", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.0.0",
            "Sets the string value and the expiration time, in seconds, of a key.",
            .keyed(StringCommands.setExpiring(.seconds, "setex"))),
        Command(
            "psetex", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.6.0",
            "Sets the string value and the expiration time, in milliseconds, of a key.",
            .keyed(StringCommands.setExpiring(.milliseconds, "psetex"))),
        Command(
            "getset", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Returns the previous string value of a key after setting it to a new value.",
            .keyed(StringCommands.getAndSet)),
        Command(
            "mset", arity: -3, [.write, .denyOOM], keys: .everySecond, .string, since: "1.0.1", complexity: "O(N)",
            "Atomically creates or modifies the string values of one or more keys.", .keyed(StringCommands.setMany)),
        Command(
            "msetnx", arity: -3, [.write, .denyOOM], keys: .everySecond, .string, since: "1.0.1", complexity: "O(N)",
            "Atomically sets the string values of one or more keys only when none of them exists.",
            .keyed(StringCommands.setManyIfAbsent)),
    ]

    private static let stringChangeCommands: [Command] = [
        Command(
            "append", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "2.0.0",
            "Appends a string to the value of a key. The key is created if it doesn't exist.",
            .keyed(StringCommands.append)),
        Command(
            "setrange", arity: 4, [.write, .denyOOM], keys: .one, .string, since: "2.2.0",
            "Overwrites a part of a string value from an offset on. The key is created if it doesn't exist.",
            .keyed(StringCommands.setRange)),
        Command(
            "incr", arity: 2, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
            .keyed(StringCommands.increment(by: 1))),
        Command(
            "decr", arity: 2, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
            .keyed(StringCommands.increment(by: -1))),
        Command(
            "incrby", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
            .keyed(StringCommands.incrementBy)),
        Command(
            "decrby", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "1.0.0",
            "Decrements the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
            .keyed(StringCommands.decrementBy)),
        Command(
            "incrbyfloat", arity: 3, [.write, .denyOOM, .fast], keys: .one, .string, since: "2.6.0",
            "Increments the floating point value of a key by a number. Uses 0 if the key doesn't exist.",
            .keyed(StringCommands.incrementByFloat)),
    ]
}

/// The handlers of strings stand in `Commands+Strings…`, by what they do.
enum StringCommands {}
