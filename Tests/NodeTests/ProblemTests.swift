import Foundation
import Reactor
import Testing

@testable import Node

@Suite struct ProblemTests {
    @Test func everyCodeHasOneEntry() {
        #expect(ProblemEntry.all.count == ProblemCode.allCases.count)
        #expect(Set(ProblemEntry.all.map(\.code)).count == ProblemCode.allCases.count)
    }

    @Test(arguments: ProblemCode.allCases)
    func anEntryIsCompleteAndFitsItsStatus(_ code: ProblemCode) {
        let entry = code.entry
        #expect(entry.code == code.rawValue)
        #expect((400...599).contains(entry.status))
        #expect(!entry.title.isEmpty && !entry.meaning.isEmpty && !entry.remedy.isEmpty)
        #expect((entry.retryAfter != nil) == (entry.status == 429 || entry.status == 503))
        #expect(ProblemCode.general(entry.status).entry.status == entry.status)
        #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
    }

    @Test func aProblemHasEveryMemberOfTheContract() throws {
        let problem = Problem(
            .invalidBody, "two members are wrong",
            faults: [.init(pointer: "/ttl", detail: "no unit"), .init(pointer: "/by", detail: "no integer")])
        let id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        let body = try decoded(problem, id)
        #expect(Set(body.keys) == ["type", "title", "status", "detail", "instance", "code", "errors"])
        #expect(body["type"] as? String == "/v1/errors/invalid_body")
        #expect(body["title"] as? String == "Invalid body")
        #expect(body["status"] as? Int == 422)
        #expect(body["detail"] as? String == "two members are wrong")
        #expect(body["instance"] as? String == "urn:uuid:\(id)")
        #expect(body["code"] as? String == "invalid_body")
        let faults = [["pointer": "/ttl", "detail": "no unit"], ["pointer": "/by", "detail": "no integer"]]
        #expect(body["errors"] as? [[String: String]] == faults)
    }

    @Test func errorsAreThereForFaultsOnly() throws {
        #expect(try decoded(Problem(.notFound, "no such key"), "x")["errors"] == nil)
    }

    @Test func headersAreWhatTheStatusDemands() {
        #expect(fields(Problem(.unauthorized, "")) == ["WWW-Authenticate: Bearer"])
        #expect(
            fields(Problem(.methodNotAllowed, "", allow: [.init(.put), .init(.options)])) == ["Allow: PUT, OPTIONS"])
        #expect(fields(Problem(.overloaded, "")) == ["Retry-After: 1"])
        #expect(fields(Problem(.draining, "", retryAfter: 30)) == ["Retry-After: 30"])
        #expect(fields(Problem(.notFound, "", retryAfter: 30)) == [])
    }

    @Test(arguments: [
        (UInt16(400), "two_hosts", "/v1/errors/bad_request", "Malformed request"),
        (431, "too_many_fields", "/v1/errors/header_too_large", "Header too large"),
        (413, "payload_too_large", "/v1/errors/payload_too_large", "Body too large"),
        (418, "teapot", "/v1/errors/bad_request", "Malformed request"),
        (599, "strange", "/v1/errors/internal_error", "Internal error"),
    ])
    func aRefusalOfAnotherLayerKeepsItsCodeAndLeadsToAPageThatExists(
        _ status: UInt16, _ code: String, _ page: String, _ title: String
    ) throws {
        let body = try decoded(Problem(status: status, code: code, detail: "why"), "x")
        #expect(body["status"] as? Int == Int(status))
        #expect(body["code"] as? String == code)
        #expect(body["type"] as? String == page)
        #expect(body["title"] as? String == title)
    }

    @Test func aRefusalForLackOfCapacityAlwaysSaysWhenToComeBack() {
        #expect(fields(Problem(status: 503, code: "any", detail: "")) == ["Retry-After: 1"])
        #expect(fields(Problem(status: 429, code: "any", detail: "")) == ["Retry-After: 1"])
        #expect(fields(Problem(status: 503, code: "not_found", detail: "")) == ["Retry-After: 1"])
    }

    private func fields(_ problem: Problem) -> [String] {
        problem.headers.map { "\($0.name): \($0.value)" }
    }

    private func decoded(_ problem: Problem, _ requestID: String) throws -> [String: Any] {
        var writer = JSONWriter()
        problem.write(to: &writer, requestID: requestID)
        return try #require(JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any])
    }
}

@Suite struct ProblemPageTests {
    @Test(arguments: ProblemCode.allCases)
    func everyCodeHasAPageInBothForms(_ code: ProblemCode) throws {
        let entry = code.entry
        let json = try #require(page(code.rawValue, accept: "*/*"))
        let body = try #require(JSONSerialization.jsonObject(with: Data(json.body)) as? [String: Any])
        #expect(body["code"] as? String == code.rawValue)
        #expect(body["status"] as? Int == Int(entry.status))
        #expect(body["meaning"] as? String == entry.meaning)
        let html = try #require(page(code.rawValue, accept: "text/html,application/xml;q=0.9,*/*;q=0.8"))
        let text = String(decoding: html.body, as: UTF8.self)
        #expect(text.contains("<h1>\(entry.title)</h1>") && text.contains("<p>\(entry.meaning)</p>"))
    }

    @Test(arguments: ProblemEntry.all)
    func anEntryHasNoCharacterThatHTMLReadsAsMarkup(_ entry: ProblemEntry) {
        #expect(!(entry.title + entry.meaning + entry.remedy).contains { "<>&\"".contains($0) })
    }

    @Test(arguments: [
        ("text/html", true), ("TEXT/HTML", true), ("application/json, text/html;level=1", true),
        ("text/html ; q=0.3", true),
        ("text/html;q=0", false), ("text/html; q=0.000", false), ("*/*", false), ("text/*", false),
        ("text/htmlx", false),
        ("application/json", false), ("", false),
    ])
    func onlyWhoNamesHTMLGetsIt(_ accept: String, _ isHTML: Bool) {
        #expect(ProblemPage.prefersHTML(accept) == isHTML)
    }

    @Test func withoutAcceptThePageIsJSON() {
        #expect(page("not_found", accept: nil).map { "\($0.contentType)" } == "application/json")
    }

    @Test(arguments: ["", "nothing", "NOT_FOUND", "not_found/", "%6eot_found"])
    func anUnknownCodeHasNoPage(_ code: String) {
        #expect(page(code, accept: nil) == nil)
    }

    private func page(_ code: String, accept: String?) -> ProblemPage? {
        guard let accept else { return ProblemPage(code: code.utf8.span, accept: nil) }
        return ProblemPage(code: code.utf8.span, accept: accept.utf8.span)
    }
}
