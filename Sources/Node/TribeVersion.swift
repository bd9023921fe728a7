/// The version of the program.
enum TribeVersion {
    static let text = "0.1.0"
}
