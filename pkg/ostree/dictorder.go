package ostree

import "math/bits"

// hashTable puts keys in the order in which GLib's GHashTable lists them, after
// they were inserted one by one. GVariantDict, by which libostree builds some
// dictionaries, is such a table. The order is part of the checksum of a commit.
//
// It is open addressing with a prime modulus and growing steps, as glib/ghash.c
// has it since 2.64.
type hashTable struct {
	slots []string // "" is free
	shift int
	used  int
}

const hashMinShift = 3

// hashPrimes are, by shift, the moduli of the first slot.
func hashPrime(shift int) uint32 {
	primes := [...]uint32{
		1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071, 262139, 524287, 1048573,
		2097143, 4194301, 8388593, 16777213, 33554393, 67108859, 134217689, 268435399, 536870909, 1073741789, 2147483647,
	}
	return primes[shift]
}

func newHashTable() *hashTable {
	return &hashTable{slots: make([]string, 1<<hashMinShift), shift: hashMinShift}
}

// hashString is g_str_hash, with the two values replaced that mark free slots.
func hashString(s string) uint32 {
	h := uint32(5381)
	for i := range len(s) {
		h = h*33 + uint32(int32(int8(s[i])))
	}
	return max(h, 2)
}

// first is the slot at which the search for a key begins.
func (t *hashTable) first(key string) int {
	return int(hashString(key) * 11 % hashPrime(t.shift))
}

// insert adds a key that is not empty, unless it is there.
func (t *hashTable) insert(key string) {
	slot := t.first(key)
	for step := 1; t.slots[slot] != ""; step++ {
		if t.slots[slot] == key {
			return
		}
		slot = (slot + step) & (len(t.slots) - 1)
	}
	t.slots[slot] = key
	t.used++
	if len(t.slots) <= t.used+t.used/16 {
		t.grow()
	}
}

// grow makes the table larger and moves the keys in place: each goes to its first
// slot not yet taken by a moved one, and whoever is there moves next.
func (t *hashTable) grow() {
	old := len(t.slots)
	t.shift = max(bits.Len(uint(float64(t.used)*1.333)), hashMinShift)
	t.slots = append(t.slots, make([]string, max(0, 1<<t.shift-old))...)
	moved := make([]bool, len(t.slots))
	for i := range old {
		key := t.slots[i]
		if key == "" || moved[i] {
			continue
		}
		t.slots[i] = ""
		for key != "" {
			slot := t.first(key)
			for step := 1; moved[slot]; step++ {
				slot = (slot + step) & (len(t.slots) - 1)
			}
			moved[slot] = true
			key, t.slots[slot] = t.slots[slot], key
		}
	}
}

// keys lists what was inserted.
func (t *hashTable) keys() []string {
	var keys []string
	for _, key := range t.slots {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
