import Foundation
import Testing

@testable import Reactor

/// One line of Tests/Corpus/json/documents.txt.
struct JSONCorpusDocument: Sendable, CustomTestStringConvertible {
    let kind: Substring
    let name: Substring
    let bytes: [UInt8]
    let fault: Substring

    var isAccepted: Bool { kind == "y" || kind == "i+" }
    var testDescription: String { "\(kind) \(name)" }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/json")

    static let all: [JSONCorpusDocument] = {
        guard let text = try? String(contentsOf: folder.appending(path: "documents.txt"), encoding: .utf8) else {
            preconditionFailure("no corpus at \(folder.path)")
        }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(Self.init)
    }()

    static let accepted = all.filter(\.isAccepted)

    private init(line: Substring) {
        let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
        kind = columns[0]
        name = columns[1]
        fault = columns.count > 3 ? columns[3] : ""
        var bytes: [UInt8] = []
        var rest = columns[2].utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let escaped = UInt8(String(rest.prefix(2)) ?? "", radix: 16) else {
                preconditionFailure("a % without two digits in \(line)")
            }
            bytes.append(escaped)
            rest = rest.dropFirst(2)
        }
        self.bytes = bytes
    }
}

@Test(arguments: JSONCorpusDocument.all)
func aDocumentIsAcceptedOrRefusedAsTheCorpusSays(_ document: JSONCorpusDocument) {
    do throws(JSONFault) {
        _ = try JSONDocument(document.bytes)
        #expect(document.isAccepted)
    } catch {
        #expect(error.description == document.fault)
        #expect(!document.isAccepted)
    }
}

@Test(arguments: JSONCorpusDocument.accepted)
func everyPrefixOfADocumentIsRefused(_ document: JSONCorpusDocument) {
    // In brackets, so that the beginning of a number or what precedes trailing blanks is no document either.
    let bytes = [UInt8(ascii: "[")] + document.bytes + [UInt8(ascii: "]")]
    var reader = JSONReader(limits: JSONLimits(depthMax: 65))
    for length in bytes.indices {
        let prefix = Array(bytes[..<length])
        let fault = #expect(throws: JSONFault.self, "prefix of \(length) bytes") {
            _ = try reader.read(prefix.span).kind
        }
        #expect((0...length).contains(fault?.offset ?? -1))
    }
    #expect(throws: Never.self) { _ = try reader.read(bytes.span).kind }
}

@Test(arguments: JSONCorpusDocument.accepted)
func theSourceOfTheRootIsTheDocumentWithoutTheBlanksAroundIt(_ document: JSONCorpusDocument) throws {
    let owned = try JSONDocument(document.bytes)
    let text = String(decoding: document.bytes, as: UTF8.self)
    #expect(owned.root.sourceText == text.trimmingCharacters(in: .whitespacesAndNewlines))
}
