import Testing

@testable import Node

@Suite struct UpstashEventTests {
    @Test(arguments: [
        ("hello", "data: message,chat,hello\n\n"), ("a,b", "data: message,chat,a,b\n\n"),
        ("", "data: message,chat,\n\n"),
        ("a\nb", "data: message,chat,a\ndata: b\n\n"), ("a\r\nb\r", "data: message,chat,a\ndata: b\ndata: \n\n"),
        ("a\n\nb", "data: message,chat,a\ndata: \ndata: b\n\n"), ("\n\r", "data: message,chat,\ndata: \ndata: \n\n"),
    ])
    func aLineBreakInAPayloadBeginsAnotherLineOfData(payload: String, text: String) {
        var event = UpstashEvent("message")
        event.append(field: "chat".utf8.span)
        event.append(field: payload.utf8.span)
        #expect(event.bytes == Array(text.utf8))
    }

    @Test func bytesThatAreNoTextStayAsTheyAre() {
        var event = UpstashEvent("message")
        event.append(field: [0xFF, 0x00, 0xC3].span)
        #expect(event.bytes == Array("data: message,".utf8) + [0xFF, 0x00, 0xC3, 0x0A, 0x0A])
    }
}
