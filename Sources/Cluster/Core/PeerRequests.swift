/// Asking other nodes, over whatever links there are. Used on one loop.
package protocol PeerRequests: AnyObject {
    /// Asks `node`; `completion` is called there once, with the answer, or with nil if none has come within `time`
    /// milliseconds or none will.
    func ask(_ node: NodeID, _ payload: [UInt8], time: UInt64, completion: @escaping ([UInt8]?) -> Void)
}
