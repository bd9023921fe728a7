import Testing

@testable import Reactor

@Suite struct HTTPTransferTests {
    @Test(arguments: ["a\r\nX: y", "a\n", "\0", "a\u{7F}"])
    func aValueThatWouldBeTwoFieldsIsNotSent(value: String) {
        var request = HTTPTransfer.Request("GET", "http://127.0.0.1:1/")
        request.headers = [("Authorization", value)]
        var name: String?
        do throws(HTTPTransfer.Fault) {
            _ = try HTTPTransfer.perform(request)
        } catch {
            if case .malformedField(let field) = error { name = field }
        }
        #expect(name == "Authorization")
    }
}
