import Reactor

/// All commands, and the way from a name to its row: a lookup costs one multiplication and, nearly always, one
/// comparison.
///
/// The rows stand in `Commands+…`, by group. Everything else is derived from them: dispatch on both fronts, `COMMAND`,
/// the documentation.
final class CommandTable: Sendable {
    static let shared = CommandTable(
        stringCommands + bitmapCommands + keyCommands + expiryCommands + inspectionCommands + keyspaceCommands
            + connectionCommands + clientCommands + accessCommands + configCommands + introspectionCommands
            + diagnosticCommands + pubsubCommands + transactionCommands + clusterCommands)

    let commands: [Command]
    /// The commands, and behind them their subcommands: what is counted.
    let rows: [Command]
    private let rowByCommand: [ObjectIdentifier: Int]
    /// By the place of the command.
    let plans: [CommandPlan]
    let keyedHandlers: [KeyedHandler]
    /// By hash of the name: its first eight letters, and the place of the row; place 0 is empty, others are one more.
    private let slots: [Slot]
    private let shift: UInt64

    private struct Slot: BitwiseCopyable {
        var letters: UInt64 = 0
        var count: UInt8 = 0
        var place: UInt16 = 0
    }

    init(_ commands: [Command]) {
        self.commands = commands
        let rows = commands + commands.flatMap(\.subcommands)
        self.rows = rows
        rowByCommand = Dictionary(
            uniqueKeysWithValues: rows.enumerated().map { (ObjectIdentifier($0.element), $0.offset) })
        plans = commands.map(CommandPlan.init)
        keyedHandlers = commands.map(\.keyedHandler)
        let bits = UInt64(64 - (commands.count * 4).leadingZeroBitCount)
        shift = 64 - bits
        var slots = Array(repeating: Slot(), count: 1 << bits)
        for (place, command) in commands.enumerated() {
            let name = Array(command.name.utf8)
            let letters = Self.letters(of: name.span)
            var index = Self.index(letters, name.count, shift)
            while slots[index].place != 0 {
                precondition(commands[Int(slots[index].place) - 1].name != command.name, "\(command.name) stands twice")
                index = (index + 1) & (slots.count - 1)
            }
            slots[index] = Slot(letters: letters, count: UInt8(name.count), place: UInt16(place + 1))
        }
        self.slots = slots
    }

    /// The place of the command with this name in any case.
    @inline(__always)
    func place(of name: Span<UInt8>) -> Int? {
        let letters = Self.letters(of: name)
        var index = Self.index(letters, name.count, shift)
        while slots[index].place != 0 {
            let slot = slots[index]
            if slot.letters == letters, Int(slot.count) == name.count {
                let place = Int(slot.place) - 1
                if name.count <= 8 || commands[place].name.utf8.span.isEqual(toLowercaseOf: name) { return place }
            }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Of a command or subcommand of the table. For those that are at the top this is their place.
    func row(of command: Command) -> Int {
        guard let row = rowByCommand[ObjectIdentifier(command)] else {
            preconditionFailure("'\(command.name)' is not in the table")
        }
        return row
    }

    func command(named name: Span<UInt8>) -> Command? { place(of: name).map { commands[$0] } }

    /// The command that `arguments` call, or its subcommand if it has some.
    func resolve(_ arguments: Arguments) throws(CommandError) -> Command {
        guard let command = command(named: arguments[0]) else { throw .unknown(arguments) }
        return try Self.resolve(command, arguments)
    }

    /// `command`, or that of its subcommands which `arguments` call.
    static func resolve(_ command: Command, _ arguments: Arguments) throws(CommandError) -> Command {
        if !command.subcommands.isEmpty, arguments.count > 1 { return try subcommand(of: command, arguments) }
        if case .container = command.handler { throw .arity(command.name) }
        guard command.takes(arguments.count) else { throw .arity(command.name) }
        return command
    }

    private static func subcommand(of command: Command, _ arguments: Arguments) throws(CommandError) -> Command {
        let wanted = String(copying: arguments[1])
        let name = "\(command.name)|\(wanted.lowercased())"
        guard let found = command.subcommands.first(where: { $0.name == name }) else {
            let container = command.name.uppercased()
            let repeated = CommandError.repeated(arguments[1])
            throw CommandError("ERR unknown subcommand '\(repeated)'. Try \(container) HELP.")
        }
        guard found.takes(arguments.count) else { throw .arity(found.name) }
        return found
    }

    /// The first eight bytes, letters in lower case; shorter names end in zeros.
    @inline(__always)
    private static func letters(of name: Span<UInt8>) -> UInt64 {
        var letters: UInt64 = 0
        for index in 0..<min(name.count, 8) { letters = letters << 8 | UInt64(name[index] | 0x20) }
        return letters
    }

    @inline(__always)
    private static func index(_ letters: UInt64, _ count: Int, _ shift: UInt64) -> Int {
        Int(truncatingIfNeeded: ((letters ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
    }
}

extension Span<UInt8> {
    /// Whether this, which is in lower case, is `other` in any case.
    func isEqual(toLowercaseOf other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices {
            let byte = other[index]
            let folded = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            guard self[index] == folded else { return false }
        }
        return true
    }
}
