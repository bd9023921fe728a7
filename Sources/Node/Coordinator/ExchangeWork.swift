import Cluster
import Reactor
import Services

/// A request by HTTP about one key, of a client of this node.
///
/// What changes nothing is answered where it is done, into the client's connection; the outcome is then empty. The
/// answer of a change is captured: its outcome, which becomes the client's answer when it is safe.
struct ExchangeWork: CoordinatedWork {
    let exchange: HTTPExchange
    let action: KeyedAction

    var isChange: Bool { action.isChange }

    var byteCount: Int { exchange.footprint + (exchange.body?.count ?? 0) }

    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable ([UInt8]) -> Void
    ) {
        // Nobody has asked for the effect alone: who is gone may have asked another node by now.
        guard exchange.isAnswerable else { return completion([]) }
        if isChange { exchange.capture { completion(CapturedAnswerCodec.encode($0)) } }
        let body = exchange.body
        exchange.withKey { key in
            if let body {
                action.answer(exchange, key, body.span, on: shard, node)
            } else {
                action.answer(exchange, key, Span(), on: shard, node)
            }
        }
        if !isChange { completion([]) }
    }

    var forwarded: ForwardedWork {
        let head = ForwardedHead.bytes(of: exchange)
        let body = exchange.body
        var writer = WireWriter(capacity: head.count + (body?.count ?? 0) + 8)
        writer.append(UInt32(head.count))
        writer.append(raw: head)
        writer.append(UInt32(body?.count ?? 0))
        if let body { writer.append(span: body.span) }
        return ForwardedWork(kind: .exchange, bytes: writer.bytes)
    }
}

/// The same, of a client of another node.
struct ForwardedExchange: CoordinatedWork {
    private let exchange: HTTPExchange
    private let action: KeyedAction
    private let head: [UInt8]
    private let body: [UInt8]

    init(_ reader: inout WireReader, on coordinator: Coordinator) throws(WireFault) {
        let head = try reader.raw(Int(try reader.number(UInt32.self)))
        let body = [UInt8](span: try reader.span(Int(try reader.number(UInt32.self))))
        guard let exchange = try? HTTPExchange.apart(on: coordinator.loop, head: head.span),
            let action = coordinator.node.api.keyedAction(of: exchange)
        else { throw .invalid }
        self.exchange = exchange
        self.action = action
        self.head = head
        self.body = body
    }

    var isChange: Bool { action.isChange }

    var byteCount: Int { exchange.footprint + body.count }

    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable ([UInt8]) -> Void
    ) {
        exchange.capture { completion(CapturedAnswerCodec.encode($0)) }
        exchange.withKey { key in action.answer(exchange, key, body.span, on: shard, node) }
    }

    var forwarded: ForwardedWork {
        var writer = WireWriter(capacity: head.count + body.count + 8)
        writer.append(UInt32(head.count))
        writer.append(raw: head)
        writer.append(UInt32(body.count))
        writer.append(raw: body)
        return ForwardedWork(kind: .exchange, bytes: writer.bytes)
    }
}

extension KeyedAction {
    var isChange: Bool {
        switch self {
        case .get, .giveUpRefresh: false
        case .put, .delete, .touch, .increment: true
        }
    }
}

extension API {
    /// What a request asks to be done with one key, which `exchange.match` then says where to find; nil: it does not.
    func keyedAction(of exchange: HTTPExchange) -> KeyedAction? {
        let head = exchange.head
        guard case .found(let match) = router.match(head.method, head.path),
            case .keyed(let action) = routes[match.route].route.handler
        else { return nil }
        exchange.match = match
        return action
    }
}

/// The head of a request as it goes to another node: of its fields those that the handlers of keys read. Who asks was
/// looked at already, and no credentials leave the node.
enum ForwardedHead {
    private static let fields: [HTTPFieldName] = [
        .contentType, .contentEncoding, .ifMatch, .ifNoneMatch, .xTribeRefresh,
    ]

    /// HEAD is asked as GET: whoever has the client leaves out the body.
    static func bytes(of exchange: HTTPExchange) -> [UInt8] {
        let head = exchange.head
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + head.target.count)
        bytes += method(head.method).utf8
        bytes.append(span: head.target)
        bytes += " HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: \(exchange.requestID.text)\r\n".utf8
        for name in fields {
            var position = head.position(of: name)
            while let found = position {
                bytes += "\(name.spelling): ".utf8
                bytes.append(span: head.value(at: found))
                bytes += "\r\n".utf8
                position = head.position(of: name, from: found + 1)
            }
        }
        bytes += "\r\n".utf8
        return bytes
    }

    private static func method(_ method: HTTPMethod) -> String {
        switch method {
        case .get, .head, .options: "GET "
        case .post: "POST "
        case .put: "PUT "
        case .delete: "DELETE "
        case .patch: "PATCH "
        }
    }
}

enum CapturedAnswerCodec {
    static func encode(_ answer: CapturedAnswer) -> [UInt8] {
        var writer = WireWriter(capacity: answer.fields.count + answer.body.count + 10)
        writer.append(answer.status.code)
        writer.append(UInt32(answer.fields.count))
        writer.append(raw: answer.fields)
        writer.append(UInt32(answer.body.count))
        writer.append(raw: answer.body)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(WireFault) -> CapturedAnswer {
        var reader = WireReader(bytes.span)
        guard let status = HTTPStatus(known: try reader.number()) else { throw .invalid }
        let fields = try reader.raw(Int(try reader.number(UInt32.self)))
        let body = [UInt8](span: try reader.span(Int(try reader.number(UInt32.self))))
        try reader.finish()
        guard fields.isEmpty || fields.suffix(2) == [0x0D, 0x0A] else { throw .invalid }
        return CapturedAnswer(status: status, fields: fields, body: body)
    }
}
