import Cluster

extension RosterNode {
    /// What to write for each member of a node in the file.
    static let hints = [
        "id": "Write 1 to 32 of the characters a to z, 0 to 9 and -",
        "host": "Write the address or name that the other nodes reach this one by; not 0.0.0.0",
        "peer": "Write a port, 1 to 65535, as a number",
        "http": "Write a port, 1 to 65535, as a number",
        "resp": "Write a port, 1 to 65535, as a number",
        "zone": "Write the name of the zone, 1 to 64 characters",
        "weight": "Write a number, 0.01 to 100",
    ]
}
