// Package listfile is the form in which parsed package lists are kept: a file that is mapped instead
// of read, so that finding one package of 60,000 touches a few of its pages only.
//
// A file holds the stanzas of one Packages index, sorted by package name, with tables to find them by
// name and by what they provide, and the summaries in lower case for a search. All numbers are
// little-endian; [version] is part of the magic, and a file of another version is as good as none.
//
//	magic   8 bytes, the last one is the version of the format
//	head    offset and length of each section, uint64 each
//	sums    CRC-32C of the tables, of the summaries, and of magic, head and the sums before
//	tables  names, the packages of each, stanzas, virtual names, their providers, Essential packages
//	summaries
//	stanzas each with a CRC-32C of its own in the tables
//
// What is not a whole, undamaged file of this version is an [ErrDamaged]; nothing in a file makes a
// reader panic or allocate more than the file is long. The file may be replaced at any time but must
// not be changed in place. A [File] is safe for concurrent use.
package listfile
