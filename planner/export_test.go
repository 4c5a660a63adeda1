package planner

import (
	"math/rand/v2"

	"dekey/scanner"
)

// A HeldWorld is a world of the tests of holds, for tests that read policy files.
type HeldWorld struct {
	Name      string
	Inventory scanner.Inventory
	Policy    Policy
}

// HeldWorlds are one world for each case of a hold, and random ones.
func HeldWorlds(seed uint64, random int) []HeldWorld {
	var worlds []HeldWorld
	for _, test := range holdCases {
		b, policy := apiWorld()
		test.change(b, policy)
		worlds = append(worlds, HeldWorld{test.code + "/" + test.name, b.inv, *policy})
	}
	r := rand.New(rand.NewPCG(seed, 0))
	for range random {
		inv, policy := randomWorld(r)
		worlds = append(worlds, HeldWorld{"random", inv, policy})
	}
	return worlds
}
