import TestSupport
import Testing

@testable import Node

@Suite struct CacheConditionTests {
    private static let actions = [("increment", #"{"by":1}"#, 200), ("touch", #"{"ttl":"60s"}"#, 204)]

    @Test(arguments: actions)
    func incrementAndTouchObeyIfMatch(action: String, body: String, status: Int) throws {
        let client = try TestNode.ofFourLoops.client()
        func send(_ method: String, _ target: String, _ fields: String = "", body: String? = nil) throws -> HTTPAnswer {
            try client.send(request(method, target, fields, body: body))
            return try client.answer(to: method)
        }
        let path = "/v1/cache/condition-\(action)"
        let old = try #require(try send("PUT", path, body: "1")["etag"])
        let present = try #require(try send("PUT", path, body: "2")["etag"])
        for fields in ["If-Match: \(old)\r\n", "If-None-Match: \(present)\r\n", "If-None-Match: *\r\n"] {
            let refused = try send("POST", "\(path)/\(action)", fields, body: body)
            #expect(refused.status == 412)
            #expect(refused["etag"] == present)
        }
        #expect(try send("GET", path).text == "2")
        #expect(try send("POST", "\(path)/\(action)", "If-Match: x\r\n", body: body).status == 422)
        #expect(try send("POST", "\(path)/\(action)", "If-Match: \(present)\r\n", body: body).status == status)
        #expect(try send("POST", "\(path)/\(action)", "If-Match: *\r\n", body: body).status == status)
        let absent = try send("POST", "\(path)-absent/\(action)", "If-Match: *\r\n", body: body)
        #expect(absent.status == 412)
        #expect(absent["etag"] == nil)
    }

    @Test func aFailedConditionInABatchTellsThePresentVersion() throws {
        let client = try TestNode.ofFourLoops.client()
        try client.send(request("PUT", "/v1/cache/condition-batch", body: "1"))
        let etag = try #require(try client.answer(to: "PUT")["etag"])
        let put = #"{"op":"put","key":"condition-batch","value":"","ifNoneMatch":"*"}"#
        try client.send(request("POST", "/v1/cache/batch", body: #"{"operations":[\#(put)]}"#))
        let answer = try client.answer(to: "POST")
        let text = etag.replacing("\"", with: "\\\"")
        #expect(answer.text.contains(#""status":412"#))
        #expect(answer.text.contains(#""etag":"\#(text)""#), "\(answer.text)")
    }

    @Test func aTagWithACommaIsSetAsItIsInvalidated() throws {
        let client = try TestNode.ofFourLoops.client()
        try client.send(request("PUT", "/v1/cache/comma?tags=x%2Cy,z", body: "1"))
        #expect(try client.answer(to: "PUT").status == 201)
        try client.send(request("DELETE", "/v1/cache?tag=x") + request("GET", "/v1/cache/comma"))
        #expect(try client.answer(to: "DELETE").status == 200)
        #expect(try client.answer().status == 200)
        try client.send(request("DELETE", "/v1/cache?tag=x%2Cy") + request("GET", "/v1/cache/comma"))
        #expect(try client.answer(to: "DELETE").status == 200)
        #expect(try client.answer().status == 404)
    }
}
