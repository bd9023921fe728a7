import Reactor

// Feeds one input to three decoders: as a whole, in pieces, and in pieces without memory for large arguments. Traps if
// the first two disagree on a command or on the fault, or the third on how many commands there are. The pieces come
// from the input itself, so that the fuzzer can choose them. The sanitizers watch everything else.

/// What a decoder said so far.
private struct Outcome: Equatable {
    var commands: [[[UInt8]]] = []
    var fault: RESPFault?
}

private final class Budget: MemoryBudget {
    let bytesMax: Int

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    func reserve(_ bytes: Int) -> Bool { bytes <= bytesMax }
    func release(_ bytes: Int) {}
}

/// Shows a decoder the bytes up to each cut, as a connection does.
private func decode(_ bytes: [UInt8], cuts: [Int], budget: Budget) -> Outcome {
    // Small limits, so that short inputs meet them.
    var limits = RESPLimits()
    limits.argumentsMax = 16
    limits.bulkMax = 17_000
    limits.commandBytesMax = 20_000
    var decoder = RESPDecoder(limits: limits)
    var outcome = Outcome()
    var kept: [UInt8] = []
    var position = 0
    do throws(RESPFault) {
        for cut in cuts + [bytes.count] {
            kept += bytes[position..<cut]
            position = cut
            while try decoder.next(kept.span, budget: budget) {
                outcome.commands.append(words(of: decoder, kept))
                let count = decoder.advance()
                precondition(count > 0 && count <= kept.count, "\(count) consumed of \(kept.count)")
                kept.removeFirst(count)
            }
            let count = decoder.kept(of: kept.span)
            precondition(count >= 0 && count <= kept.count, "\(count) kept of \(kept.count)")
            kept.removeLast(kept.count - count)
        }
    } catch {
        outcome.fault = error
    }
    return outcome
}

private func words(of decoder: RESPDecoder, _ bytes: [UInt8]) -> [[UInt8]] {
    let arguments = decoder.arguments(in: bytes.span)
    var words: [[UInt8]] = []
    for index in 0..<arguments.count {
        words.append([UInt8](span: arguments[index]))
    }
    precondition(words.reduce(0) { $0 + $1.count } == arguments.byteCount)
    return words
}

/// Large arguments from short inputs: this byte stands for thousands.
private func expand(_ bytes: [UInt8]) -> [UInt8] {
    let (repeated, count, repeatsMax) = (UInt8(0xF5), 2_400, 7)
    guard bytes.contains(repeated) else { return bytes }
    var expanded: [UInt8] = []
    var repeats = 0
    for byte in bytes {
        if byte == repeated, repeats < repeatsMax {
            expanded.append(contentsOf: [UInt8](repeating: byte, count: count))
            repeats += 1
        } else {
            expanded.append(byte)
        }
    }
    return expanded
}

/// Where the pieces end: after as many bytes as the input's own last bytes say.
private func cuts(of bytes: [UInt8], _ source: [UInt8]) -> [Int] {
    var cuts: [Int] = []
    var position = 0
    // Of a long input a few: what has not arrived as a whole is looked at again with every piece.
    let cutsMax = bytes.count > source.count ? 12 : source.count
    for step in source.reversed().prefix(cutsMax) {
        // Some are long, or else what stands for thousands of bytes would never be cut within.
        position += step > 200 ? 2_500 : Int(step) % 29
        guard position < bytes.count else { break }
        cuts.append(position)
    }
    return cuts
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzRESP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let source = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let bytes = expand(source)
    let cuts = cuts(of: bytes, source)
    let whole = decode(bytes, cuts: [], budget: Budget(bytesMax: .max))
    let inPieces = decode(bytes, cuts: cuts, budget: Budget(bytesMax: .max))
    precondition(whole == inPieces, "whole: \(whole)\nin pieces: \(inPieces)")
    let withoutMemory = decode(bytes, cuts: cuts, budget: Budget(bytesMax: 0))
    precondition(
        whole.commands.count == withoutMemory.commands.count && whole.fault == withoutMemory.fault,
        "whole: \(whole)\nwithout memory: \(withoutMemory)")
    return 0
}
