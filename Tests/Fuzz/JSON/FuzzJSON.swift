import Reactor

// Any bytes: a document or a fault inside it, never a trap. A document that was accepted, written anew without blanks
// from the spans of its values, is the same document; so is each of its values on its own.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let source = unsafe Span(_unsafeStart: start, count: count)
    var reader = JSONReader()
    do throws(JSONFault) {
        let document = try reader.read(source)
        checkPlaces(of: document, in: source)
        checkRewriting(of: document)
    } catch {
        precondition((0...count).contains(error.offset), "a fault outside of the document: \(error)")
        precondition(error.line > 0 && error.column > 0, "a fault without a place: \(error)")
    }
    return 0
}

private func checkRewriting(of document: JSONValue) {
    var written: [UInt8] = []
    write(document, to: &written)
    var reader = JSONReader()
    var scratch: (one: [UInt8], other: [UInt8]) = ([], [])
    do throws(JSONFault) {
        let again = try reader.read(written.span)
        precondition(isSame(document, again, &scratch.one, &scratch.other), "written anew, the document differs")
        precondition(isEqual(again.span, written.span), "the source of the root is not the document")
    } catch {
        preconditionFailure("written anew, the document is refused: \(error)")
    }
}

/// The faults of its members lead to the same places that each value knows of itself.
private func checkPlaces(of document: JSONValue, in source: Span<UInt8>) {
    let faults = JSONFaults()
    JSONFields(of: document, faults).finish()
    for fault in faults.report(in: document) {
        precondition((0..<source.count).contains(fault.offset), "a fault outside of the document: \(fault)")
    }
    guard var members = document.members else { return }
    while let member = members.next() {
        let (pointer, position) = (member.value.pointer, member.name.position)
        precondition(member.name.pointer == pointer, "a name and its value differ in pointer: \(pointer)")
        precondition(position.line > 0 && position.column > 0, "a name without a place: \(pointer)")
    }
}

private func write(_ value: JSONValue, to bytes: inout [UInt8]) {
    if var elements = value.elements {
        bytes.append(UInt8(ascii: "["))
        while let element = elements.next() {
            write(element, to: &bytes)
            bytes.append(UInt8(ascii: ","))
        }
        close(UInt8(ascii: "]"), &bytes)
    } else if var members = value.members {
        bytes.append(UInt8(ascii: "{"))
        while let member = members.next() {
            append(member.name.span, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            write(member.value, to: &bytes)
            bytes.append(UInt8(ascii: ","))
        }
        close(UInt8(ascii: "}"), &bytes)
    } else {
        append(value.span, to: &bytes)
    }
}

/// Ends a container; the comma behind its last part gives way.
private func close(_ bracket: UInt8, _ bytes: inout [UInt8]) {
    if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
    bytes.append(bracket)
}

private func append(_ span: Span<UInt8>, to bytes: inout [UInt8]) {
    for index in span.indices {
        bytes.append(span[index])
    }
}

/// Whether both have the same shape, the same text of each scalar, and the same decoded strings.
private func isSame(_ left: JSONValue, _ right: JSONValue, _ one: inout [UInt8], _ other: inout [UInt8]) -> Bool {
    guard left.kind == right.kind else { return false }
    if var elements = left.elements, var others = right.elements {
        while let element = elements.next() {
            guard let twin = others.next(), isSame(element, twin, &one, &other) else { return false }
        }
        return others.next() == nil
    }
    if var members = left.members, var others = right.members {
        while let member = members.next() {
            guard let twin = others.next(), isSame(member.name, twin.name, &one, &other),
                isSame(member.value, twin.value, &one, &other)
            else { return false }
        }
        return others.next() == nil
    }
    if let utf8 = left.utf8(scratch: &one), let twin = right.utf8(scratch: &other) {
        guard isEqual(utf8, twin), let string = left.string, string.utf8.count == utf8.count, left.equals(string)
        else { return false }
    }
    return isEqual(left.span, right.span) && left.int64 == right.int64 && left.double == right.double
}

private func isEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
}
