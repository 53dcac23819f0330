// SPDX-License-Identifier: Apache-2.0

// Verifies what tests/ledger/test_proofs.c writes with a transparency-log library that knows nothing of bcemr: every
// root is that of the leaves, every proof holds, and none holds when one bit of it, of a leaf or of a root is another.
//
//	leaf HEX                        the next leaf, as the log holds it
//	inclusion INDEX SIZE NODE...    against the root of that size
//	consistency FIRST SECOND NODE...
//	root SIZE HEX                   all before the proofs that need it
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

type state struct {
	hashes [][]byte          // of the leaves
	tree   *compact.Range    // of the leaves so far
	own    map[uint64][]byte // roots by the library, at every size
	roots  map[uint64][]byte // roots as the log says
	proofs map[string]int
	spoilt int
	random *rand.Rand
}

func fail(line int, format string, a ...interface{}) {
	fmt.Fprintf(os.Stderr, "line %d: %s\n", line, fmt.Sprintf(format, a...))
	os.Exit(1)
}

func flipped(s *state, in []byte) []byte {
	out := append([]byte(nil), in...)
	bit := s.random.Intn(8 * len(out))
	out[bit/8] ^= 1 << (bit % 8)
	return out
}

// Calls check with one node after the other changed, and with one node less and one more.
func spoil(s *state, line int, nodes [][]byte, check func([][]byte) error) {
	try := func(what string, changed [][]byte) {
		s.spoilt++
		if check(changed) == nil {
			fail(line, "it holds with %s", what)
		}
	}
	for i := range nodes {
		changed := append([][]byte(nil), nodes...)
		changed[i] = flipped(s, nodes[i])
		try(fmt.Sprintf("node %d changed", i), changed)
	}
	if len(nodes) > 0 {
		try("the last node left out", nodes[:len(nodes)-1])
	}
	try("a node more", append(append([][]byte(nil), nodes...), make([]byte, 32)))
}

func refuse(s *state, line int, what string, err error) {
	s.spoilt++
	if err == nil {
		fail(line, "it holds with %s", what)
	}
}

func leaf(s *state, bytes []byte) {
	hash := rfc6962.DefaultHasher.HashLeaf(bytes)
	s.hashes = append(s.hashes, hash)
	if err := s.tree.Append(hash, nil); err != nil {
		panic(err)
	}
	root, err := s.tree.GetRootHash(nil)
	if err != nil {
		panic(err)
	}
	s.own[uint64(len(s.hashes))] = root
}

func inclusion(s *state, line int, index, size uint64, nodes [][]byte) {
	h, root := rfc6962.DefaultHasher, s.roots[size]
	hash := s.hashes[index]
	check := func(nodes [][]byte) error {
		return proof.VerifyInclusion(h, index, size, hash, nodes, root)
	}
	if err := check(nodes); err != nil {
		fail(line, "inclusion of %d in %d: %v", index, size, err)
	}
	spoil(s, line, nodes, check)
	refuse(s, line, "another leaf", proof.VerifyInclusion(h, index, size, flipped(s, hash), nodes, root))
	refuse(s, line, "another root", proof.VerifyInclusion(h, index, size, hash, nodes, flipped(s, root)))
	refuse(s, line, "another place", proof.VerifyInclusion(h, index^1, size, hash, nodes, root))
}

func consistency(s *state, line int, first, second uint64, nodes [][]byte) {
	h, older, newer := rfc6962.DefaultHasher, s.roots[first], s.roots[second]
	check := func(nodes [][]byte) error {
		return proof.VerifyConsistency(h, first, second, nodes, older, newer)
	}
	if err := check(nodes); err != nil {
		fail(line, "consistency of %d with %d: %v", first, second, err)
	}
	spoil(s, line, nodes, check)
	refuse(s, line, "another older root", proof.VerifyConsistency(h, first, second, nodes, flipped(s, older), newer))
	refuse(s, line, "another newer root", proof.VerifyConsistency(h, first, second, nodes, older, flipped(s, newer)))
}

func number(line int, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		fail(line, "%v", err)
	}
	return n
}

func decode(line int, texts []string) [][]byte {
	out := [][]byte{}
	for _, text := range texts {
		b, err := hex.DecodeString(text)
		if err != nil {
			fail(line, "%v", err)
		}
		out = append(out, b)
	}
	return out
}

func take(s *state, line int, words []string) {
	if len(words) < 2 {
		fail(line, "too short")
	}
	switch words[0] {
	case "leaf":
		leaf(s, decode(line, words[1:2])[0])
	case "root":
		size := number(line, words[1])
		s.roots[size] = decode(line, words[2:3])[0]
		if !bytes.Equal(s.roots[size], s.own[size]) {
			fail(line, "the root of %d leaves is another", size)
		}
	case "inclusion":
		inclusion(s, line, number(line, words[1]), number(line, words[2]), decode(line, words[3:]))
	case "consistency":
		consistency(s, line, number(line, words[1]), number(line, words[2]), decode(line, words[3:]))
	default:
		fail(line, "what is %q?", words[0])
	}
	s.proofs[words[0]]++
}

func main() {
	s := &state{own: map[uint64][]byte{}, roots: map[uint64][]byte{}, proofs: map[string]int{}}
	s.random = rand.New(rand.NewSource(1))
	s.tree = (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	line := 0
	for in.Scan() {
		line++
		take(s, line, strings.Fields(in.Text()))
	}
	if err := in.Err(); err != nil {
		fail(line, "%v", err)
	}
	fmt.Printf("%d leaves, %d roots, %d inclusion and %d consistency proofs hold; %d spoilt ones do not\n",
		s.proofs["leaf"], s.proofs["root"], s.proofs["inclusion"], s.proofs["consistency"], s.spoilt)
}
