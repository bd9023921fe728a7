/// The zones of nodes as numbers. A node without a zone is one of its own.
struct PlacementZones {
    /// By place of the node.
    let numbers: [Int]
    let count: Int

    init(_ nodes: [PlacementNode]) {
        var named: [String: Int] = [:]
        var count = 0
        numbers = nodes.map { node in
            if let zone = node.zone, let number = named[zone] { return number }
            if let zone = node.zone { named[zone] = count }
            count += 1
            return count - 1
        }
        self.count = count
    }

    /// How many of `owners` are in one zone if they are spread evenly.
    func ownersMax(of owners: Int) -> Int { (owners + count - 1) / count }
}
