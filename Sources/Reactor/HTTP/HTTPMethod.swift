/// The methods that a route may have.
package enum HTTPMethod: UInt8 {
    case get, head, post, put, delete, patch, options
}
