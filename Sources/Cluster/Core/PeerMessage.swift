/// A message to another node that this core passes on and does not look into: of replication, of records, and what
/// requests come to that are carried out elsewhere.
package struct PeerMessage: Hashable, Sendable {
    package let type: FrameType
    package let payload: [UInt8]
    package let to: NodeID
    /// What is for the bulk link goes over control while that is all there is.
    package let kind: LinkKind

    /// - Parameter payload: at most `bytesMax` of its type.
    package init(_ type: FrameType, _ payload: [UInt8], to id: NodeID, over kind: LinkKind = .control) {
        precondition(payload.count <= Self.bytesMax(type), "\(payload.count) bytes in a message of \(type)")
        self.type = type
        self.payload = payload
        self.kind = kind
        to = id
    }

    package static func bytesMax(_ type: FrameType) -> Int {
        type.mayBeCut ? Frame.messageMax : LinkKind.control.payloadMax
    }

    /// What becomes of it when the peer reads too slowly. Only a stream of writes makes no sense with a part missing:
    /// requests are sent elsewhere, records are compared every now and then, and a question about them is given up.
    var frameClass: FrameClass {
        switch type {
        case .replication: .replication
        case .exchange, .records, .state: .request
        case .hello, .goodbye, .ping, .pong, .membership, .request, .response, .cancel:
            preconditionFailure("\(type) is no message of this kind")
        }
    }
}
