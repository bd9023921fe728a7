import Reactor

// Feeds one input to two decoders, whole and in pieces, and traps if they disagree on anything that a connection sees:
// heads, body bytes, ends, the fault. The pieces come from the input itself, so that the fuzzer can choose them. The
// sanitizers watch everything else.

/// What a decoder said so far.
private struct Outcome: Equatable {
    var heads: [[UInt8]] = []
    var bodies: [[UInt8]] = []
    var ended: [Int] = []
    var fault: HTTPFault?
    var isMidRequest = false
}

private func decode(_ bytes: [UInt8], cuts: [Int]) -> Outcome {
    // Small limits, so that short inputs meet them.
    let limits = HTTPLimits(headerMax: 512, fieldsMax: 8, uriMax: 64, trailerMax: 64)
    var decoder = HTTPRequestDecoder(limits: limits)
    let head = HTTPRequestHead()
    var outcome = Outcome()
    var start = 0
    do {
        for cut in cuts + [bytes.count] {
            var event = HTTPRequestDecoder.Event.head
            while event != .incomplete {
                let input = bytes.span.extracting(start..<cut)
                let consumed: Int
                (event, consumed) = try decoder.next(input, into: head)
                precondition(consumed >= 0 && consumed <= input.count, "\(consumed) consumed of \(input.count)")
                switch event {
                case .incomplete:
                    break
                case .head:
                    outcome.heads.append(flatten(head))
                    outcome.bodies.append([])
                case .body(let range):
                    precondition(!range.isEmpty && range.upperBound <= consumed, "body \(range) of \(consumed)")
                    let piece = bytes[start...].dropFirst(range.lowerBound).prefix(range.count)
                    outcome.bodies[outcome.bodies.count - 1] += piece
                case .end:
                    outcome.ended.append(outcome.heads.count)
                }
                start += consumed
            }
        }
        outcome.isMidRequest = decoder.isMidRequest
    } catch {
        outcome.fault = error
    }
    return outcome
}

/// All that a head says, in one row of bytes.
private func flatten(_ head: HTTPRequestHead) -> [UInt8] {
    var row = [head.method.rawValue, head.versionMinor, head.keepAlive ? 1 : 0, head.expectsContinue ? 1 : 0]
    func append(_ bytes: Span<UInt8>) {
        for index in bytes.indices { row.append(bytes[index]) }
        row.append(0)
    }
    append(head.target)
    append(head.path)
    append(head.query)
    for position in 0..<head.fieldCount {
        append(head.name(at: position))
        append(head.value(at: position))
    }
    for name in HTTPFieldName.allCases {
        row.append(UInt8(head.count(of: name)))
        guard let value = head[name] else { continue }
        append(value)
    }
    switch head.body {
    case .none: row.append(0)
    case .length(let length): row += [1] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    case .chunked: row.append(2)
    }
    return row
}

/// Where the pieces end: after as many bytes as the input's own last bytes say.
private func cuts(of bytes: [UInt8]) -> [Int] {
    var cuts: [Int] = []
    var position = 0
    for step in bytes.reversed() {
        position += Int(step) % 29
        guard position < bytes.count else { break }
        cuts.append(position)
    }
    return cuts
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzHTTPGate(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let whole = decode(bytes, cuts: [])
    let inPieces = decode(bytes, cuts: cuts(of: bytes))
    precondition(whole == inPieces, "whole: \(whole)\nin pieces: \(inPieces)")
    return 0
}
