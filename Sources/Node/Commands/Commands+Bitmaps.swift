import Reactor
import Services

extension CommandTable {
    static let bitmapCommands: [Command] = [
        Command(
            "setbit", arity: 4, [.write, .denyOOM], keys: .one, .bitmap, since: "2.2.0",
            "Writes one bit of a value, and answers what it was.",
            .keyed(BitmapCommands.setBit)),
        Command(
            "getbit", arity: 3, [.readonly, .fast], keys: .one, .bitmap, since: "2.2.0",
            "Reads one bit of a value.", .keyed(BitmapCommands.getBit)),
        Command(
            "bitcount", arity: -2, [.readonly], keys: .one, .bitmap, since: "2.6.0", complexity: "O(N)",
            "How many bits of a value, or of a part of it, are 1.", .keyed(BitmapCommands.count)),
        Command(
            "bitpos", arity: -3, [.readonly], keys: .one, .bitmap, since: "2.8.7", complexity: "O(N)",
            "Where the first bit that is 1, or 0, stands.", .keyed(BitmapCommands.position)),
        Command(
            "bitop", arity: -4, [.write, .denyOOM], keys: .fromSecond, .bitmap, since: "2.6.0", complexity: "O(N)",
            "AND, OR, XOR or NOT of values, stored under a key.", .keyed(BitmapCommands.combine)),
        Command(
            "bitfield", arity: -2, [.write, .denyOOM], keys: .one, .bitmap, since: "3.2.0",
            complexity: "O(1) for each subcommand",
            "Reads, writes and counts up integers of 1 to 64 bits inside a value.", .keyed(BitmapCommands.field)),
        Command(
            "bitfield_ro", arity: -2, [.readonly, .fast], keys: .one, .bitmap, since: "6.0.0",
            complexity: "O(1) for each subcommand",
            "Reads integers of 1 to 64 bits inside a value.", .keyed(BitmapCommands.readOnlyField)),
    ]
}

/// The handlers of bitmaps stand in `Commands+Bitmaps…`, by what they do.
enum BitmapCommands {
    static let offsetError = CommandError("ERR bit offset is not an integer or out of range")

    /// The offset of a bit, within what a value may have.
    static func offset(_ arguments: Arguments, _ index: Int, _ keys: any Keyspace) throws(CommandError) -> Int {
        try checked(arguments.integer(index, offsetError), keys)
    }

    static func checked(_ offset: Int64, _ keys: any Keyspace) throws(CommandError) -> Int {
        guard offset >= 0, offset >> 3 < keys.valueMax else { throw offsetError }
        return Int(offset)
    }
}
