import Reactor
import Services

/// How handlers read their words.
extension Arguments {
    /// Whether the word at `index` is `name`, which is in lower case, in any case.
    func has(_ name: StaticString, at index: Int) -> Bool {
        let word = self[index]
        guard word.count == name.utf8CodeUnitCount else { return false }
        for place in word.indices {
            let byte = word[place]
            let folded = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            guard unsafe name.utf8Start[place] == folded else { return false }
        }
        return true
    }

    /// The integer that the word at `index` spells.
    func integer(_ index: Int, _ error: CommandError = .notAnInteger) throws(CommandError) -> Int64 {
        guard let number = DecimalText.parse(self[index]) else { throw error }
        return number
    }

    /// The word is to name a database, of which there is one: 0.
    func checkDatabase(_ index: Int) throws(CommandError) {
        let number = try integer(index)
        guard Int32(exactly: number) != nil else {
            throw CommandError("ERR value is out of range, value must between \(Int32.min) and \(Int32.max)")
        }
        guard number == 0 else { throw CommandError("ERR DB index is out of range") }
    }

    func text(_ index: Int) -> String { String(copying: self[index]) }

    func bytes(_ index: Int) -> [UInt8] { [UInt8](span: self[index]) }
}
