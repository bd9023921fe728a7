/// The version of the program.
enum TribeVersion {
    static let text = "0.1.0"
    /// The version of Redis whose commands and words clients find here.
    static let redis = "7.0.15"
}
