import Cluster
import Reactor

// Feeds one input to the decoders of the peer port: as a stream that somebody sends, and as frames whose lengths and
// checksums are right, so that what is in them is read too. Traps if a stream decodes otherwise in pieces than as a
// whole, if a decoder keeps more than it may, or if HELLO or a message of membership is not what its bytes say. The
// sanitizers watch everything else.

/// What a decoder said so far.
private struct Outcome: Equatable {
    var frames: [Frame] = []
    var fault: FrameFault?
}

private func decode(_ bytes: [UInt8], cuts: [Int]) -> Outcome {
    var decoder = FrameDecoder()
    var outcome = Outcome()
    var position = 0
    do throws(FrameFault) {
        for cut in cuts + [bytes.count] {
            decoder.append(bytes.span.extracting(position..<cut))
            position = cut
            while let frame = try decoder.next() { outcome.frames.append(frame) }
            precondition(
                decoder.pendingCount < FrameCodec.headerSize + LinkKind.bulk.payloadMax + Frame.messageMax)
        }
    } catch {
        outcome.fault = error
        precondition(decoder.pendingCount == 0)
    }
    return outcome
}

/// Where the pieces end: after as many bytes as the input's own last bytes say.
private func cuts(of count: Int, _ source: [UInt8]) -> [Int] {
    var cuts: [Int] = []
    var position = 0
    for step in source.reversed() {
        position += Int(step) % 37
        guard position < count else { break }
        cuts.append(position)
    }
    return cuts
}

/// The input as frames: type, flags, length, so many bytes, and again. Flags of a part only half the time, lest the
/// first of them end most streams.
private func frames(_ source: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    var place = 0
    while place + 3 <= source.count {
        let type = FrameType.allCases[Int(source[place]) % FrameType.allCases.count]
        let end = min(place + 3 + Int(source[place + 2]), source.count)
        let isWhole = type.mayBeCut && source[place + 1] & 4 == 0
        frames.append(
            Frame(
                type: type, flags: isWhole ? 0 : source[place + 1] & (type.mayBeCut ? 3 : 255),
                stream: UInt32(source[place]) << 20,
                payload: Array(source[(place + 3)..<end])))
        place = end
    }
    return frames
}

/// What a decoder should make of frames, while it finds no fault in them: the parts of a message as that message.
private func join(_ frames: [Frame]) -> [Frame] {
    var whole: [Frame] = []
    var parts: [UInt8] = []
    for frame in frames {
        guard frame.type.mayBeCut, frame.flags != 0 else {
            whole.append(frame)
            continue
        }
        parts += frame.payload
        guard frame.flags == 3 else { continue }
        whole.append(Frame(type: frame.type, stream: frame.stream, payload: parts))
        parts = []
    }
    return whole
}

/// What the receivers of a frame make of its payload.
private func read(_ frame: Frame) {
    if let hello = try? Hello(frame) {
        let again = hello.frame
        precondition(frame.payload.starts(with: again.payload) && again.flags == frame.flags, "\(hello)")
    }
    if let message = try? MembershipCodec.decode(frame.payload.span) {
        let again = MembershipCodec.encode(message)
        precondition((try? MembershipCodec.decode(again.span)) == message, "\(message)")
    }
    _ = GoodbyeReason(frame)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzFrames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let source = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let raw = decode(source, cuts: [])
    precondition(raw == decode(source, cuts: cuts(of: count, source)), "\(raw)")
    let built = frames(source)
    for frame in built { read(frame) }
    let bytes = built.flatMap(FrameCodec.encode)
    let whole = decode(bytes, cuts: [])
    precondition(whole == decode(bytes, cuts: cuts(of: bytes.count, source)), "\(whole)")
    let joined = join(built)
    precondition(whole.frames == Array(joined.prefix(whole.frames.count)), "\(whole)")
    precondition(whole.fault != nil || whole.frames.count == joined.count, "\(whole)")
    return 0
}
