import ArgumentParser

package func nodeMain() {
}
