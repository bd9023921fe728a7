/// What nodes ask each other in requests over the control link: one byte that says what, then whatever that needs.
enum PeerQuestion: UInt8, CaseIterable {
    /// "How are you?" Answered with `NodeFigures`.
    case figures = 1

    var payload: [UInt8] { [rawValue] }

    /// Nil: a later version asks something that this one does not know.
    init?(payload: [UInt8]) {
        guard let first = payload.first else { return nil }
        self.init(rawValue: first)
    }
}
