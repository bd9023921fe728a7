import Node

runTribe()
