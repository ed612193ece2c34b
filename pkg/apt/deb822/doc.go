// Package deb822 reads the paragraphs of deb822(5): the format of control files, of an archive's
// Release and Packages files, of dpkg's status file and of .sources files.
//
// A [Paragraph] keeps its fields in order and its text as it was. Three ways lead to one:
//
//	p, err := deb822.Parse(text)                       // exactly one paragraph
//	r := deb822.NewReader(file, deb822.Options{})      // a stream, bounded memory
//	s := deb822.NewScanner(index, deb822.Options{})    // a large text in memory, nothing is copied
//
// Field names are compared without regard to case and occur once per paragraph. An empty line ends a
// paragraph. A line of blanks continues a value, as apt has it; between paragraphs it is ignored.
package deb822
