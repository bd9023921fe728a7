import Foundation
import Reactor
import Testing

@Suite struct HTTPCorpusTests {
    @Test(arguments: HTTPCorpus.validNames)
    func validRequestsYieldTheirTranscripts(name: String) throws {
        let bytes = try HTTPCorpus.bytes("valid/\(name)")
        let file = HTTPCorpus.root.appending(path: "valid/\(name.replacing(".http", with: ".expected"))")
        #expect(transcript(of: bytes, cuts: []) == (try String(contentsOf: file, encoding: .utf8)))
    }

    @Test(arguments: HTTPCorpus.validNames.map { "valid/\($0)" } + HTTPCorpus.smugglingNames.map { "smuggling/\($0)" })
    func howTheBytesAreCutChangesNothing(path: String) throws {
        let bytes = try HTTPCorpus.bytes(path)
        let whole = transcript(of: bytes, cuts: [])
        #expect(transcript(of: bytes, cuts: 0..<bytes.count) == whole, "byte by byte")
        // Every prefix of a usual request, about 500 of a huge one.
        for cut in stride(from: 1, to: bytes.count, by: max(1, bytes.count / 500)) {
            #expect(transcript(of: bytes, cuts: [cut]) == whole, "cut at \(cut)")
        }
    }

    @Test(arguments: HTTPCorpus.smugglingNames)
    func smuggledRequestsNeverRun(name: String) throws {
        let bytes = try HTTPCorpus.bytes("smuggling/\(name)")
        let fault = try #require(try HTTPCorpus.smugglingFaults()[name])
        let lines = transcript(of: bytes, cuts: []).split(separator: "\n")
        let heads = lines.filter { $0.hasPrefix("head ") }
        #expect(heads.count <= 1 && heads.allSatisfy { !$0.contains("/smuggled") })
        if fault == "-" {
            #expect(lines.contains { $0.hasPrefix("data ") && $0.contains("/smuggled") })
            #expect(lines.suffix(2) == ["end", "idle"])
        } else {
            #expect(lines.last?.hasSuffix(" \(fault)") == true, "\(lines.last ?? "") for \(fault)")
        }
    }

    @Test func theCorpusIsWhole() throws {
        #expect(HTTPCorpus.validNames.count >= 25)
        #expect(HTTPCorpus.smugglingNames.count >= 60)
        #expect(try Set(HTTPCorpus.smugglingFaults().keys) == Set(HTTPCorpus.smugglingNames))
        for name in HTTPCorpus.smugglingNames {
            let text = String(decoding: try HTTPCorpus.bytes("smuggling/\(name)"), as: UTF8.self)
            #expect(text.contains("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), "\(name)")
        }
    }

    @Test func everyFaultButLimitsIsInTheCorpus() throws {
        let covered = Set(try HTTPCorpus.smugglingFaults().values)
        let limits: [HTTPFault] = [.headTooLarge, .fieldsTooMany, .targetTooLong, .trailersTooLarge]
        let missing = HTTPFault.allCases.filter { !covered.contains($0.code) }
        // No input is known any more that passes the gate and is read in another way by the parser.
        #expect(Set(missing) == Set(limits + [.readingsDiffer]))
    }
}
