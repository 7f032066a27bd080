// Package irtest supports property tests of whatever executes or changes lane programs: Random makes verified
// programs that use everything the language has, Interpret says, slowly and by plain recursion, what each lane does.
// It must not know any executor, since it is what they are compared with.
// Start with interpret.go; random.go is the generator.
package irtest
