package amd64

// flags say which operands a form has and which encodings.
type flags uint32

const (
	regVec   flags = 1 << iota // the field reg is a vector register
	regMask                    // ... a mask register
	regReg                     // ... a general register
	srcVec                     // there is a field vvvv, a vector register
	srcMask                    // ... a mask register
	rmVec                      // r/m may be a vector register
	rmMask                     // ... a mask register
	rmReg                      // ... a general register
	rmMem                      // ... memory
	imm                        // a byte follows
	store                      // r/m is the destination
	vexOnly                    // no EVEX encoding, or one that differs
	evexOnly                   // no VEX encoding, or one that differs
	noBroadcast
	l1          // VEX.L is 1 whatever the width
	gathers     // r/m is a vector of addresses
	extended    // reg holds more of the opcode, and vvvv the destination
	halfReg     // the register in reg is half as wide as the vector
	halfRM      // ... in r/m
	xmmRM       // a register in r/m is an xmm
	wholeSource // vvvv is last in the text: VEX gathers
	no128       // not of 128 bits
	no256       // ... 256, which is twice the flag no128
	no512
	noMask // EVEX without write masks
	fourth // the upper half of the byte that follows is a vector register

	indexed // an address has an index; no flag of forms
)

// tuple says what EVEX scales short displacements by.
type tuple uint8

const (
	full tuple = iota // the vector's length, or the element's of a broadcast
	half              // of the length
	element
	packed  // an element's length, though memory holds up to a vector: what compresses
	fixed32 // 32 bytes
)

// opmap is the page of opcodes.
type opmap uint8

const (
	map0F opmap = 1 + iota
	map0F38
	map0F3A
)

// prefix is the mandatory prefix that VEX and EVEX hold in two bits.
type prefix uint8

const (
	pNone prefix = iota
	p66
	pF3
	pF2
)

// form is how an instruction is encoded.
type form struct {
	name    string
	opmap   opmap
	prefix  prefix
	vexW    uint8
	evexW   uint8
	opcode  byte
	digit   uint8 // with extended
	flags   flags
	element uint8 // bytes of an element of memory operands
	tuple   tuple
}

func (f *form) has(any flags) bool { return f.flags&any != 0 }

// The kinds of operands that most forms have.
const (
	rm2      = regVec | rmVec | rmMem          // reg, r/m
	rm3      = regVec | srcVec | rmVec | rmMem // reg, vvvv, r/m
	load     = regVec | rmMem | noBroadcast
	stores   = regVec | rmMem | noBroadcast | store
	moves    = regVec | rmVec | rmMem | noBroadcast
	movesTo  = regVec | rmVec | rmMem | noBroadcast | store
	compares = regMask | srcVec | rmVec | rmMem | imm | evexOnly
	only128  = no256 | no512
	masks3   = regMask | srcMask | rmMask | vexOnly | l1 | only128 // not vectors; L is the table's
	masks2   = regMask | rmMask | vexOnly | only128
)

// Op names an instruction, as Intel's manual does. Where an instruction has rows of its own for VEX (an operand more,
// or a vector instead of a mask), those end in V.
type Op uint8

// The instructions, in the order of the table.
const (
	VADDPS Op = iota
	VADDPD
	VSUBPS
	VSUBPD
	VMULPS
	VMULPD
	VDIVPS
	VDIVPD
	VMINPS
	VMINPD
	VMAXPS
	VMAXPD
	VSQRTPS
	VSQRTPD
	VANDPS
	VANDNPS
	VORPS
	VXORPS
	VANDPD
	VXORPD
	VORPD
	VFMADD132PS
	VFMADD213PS
	VFMADD231PS
	VFMADD132PD
	VFMADD213PD
	VFMADD231PD
	VFNMADD132PS
	VFNMADD213PS
	VFNMADD231PS
	VRNDSCALEPS
	VRNDSCALEPD
	VROUNDPS
	VROUNDPD
	VSCALEFPS
	VSCALEFPD
	VRANGEPS
	VRANGEPD
	VCMPPS // into a mask
	VCMPPD
	VCMPPSV // into a vector
	VCMPPDV
	VBLENDMPS
	VBLENDMPD
	VBLENDVPS
	VBLENDVPD
	VBLENDPS
	VMOVAPS
	VMOVAPSStore
	VMOVUPS
	VMOVUPSStore
	VMOVAPD
	VMOVUPD
	VMOVUPDStore
	VMASKMOVPS
	VMASKMOVPSStore
	VMASKMOVPD
	VMASKMOVPDStore
	VBROADCASTSS
	VBROADCASTSD
	VPBROADCASTDR // from a general register
	VMOVD         // from a general register
	VMOVDStore    // to one
	VMOVQStore    // the low 8 bytes, to memory
	VPMOVSXDQ
	VPMOVDW
	VPMOVZXWD
	VMOVMSKPS
	VPADDD
	VPSUBD
	VPMULLD
	VPMULDQ
	VPMULUDQ
	VPMINSD
	VPMAXSD
	VPMINUD
	VPMAXUD
	VPABSD
	VPACKUSDW
	VPANDD
	VPANDND
	VPORD
	VPXORD
	VPAND
	VPANDN
	VPOR
	VPXOR
	VPTERNLOGD
	VPCMPD
	VPCMPUD
	VPCMPEQD
	VPCMPGTD
	VPSLLVD
	VPSRLVD
	VPSRAVD
	VPSLLD
	VPSRLD
	VPSRAD
	VPSRLQ
	VPSLLQ
	VCVTDQ2PS
	VCVTTPS2DQ
	VCVTUDQ2PS
	VCVTTPS2UDQ
	VCVTPS2PD
	VCVTPD2PS
	VCVTDQ2PD
	VCVTTPD2DQ
	VCVTUDQ2PD
	VCVTTPD2UDQ
	VCVTPH2PS
	VCVTPS2PH
	VEXTRACTF64X4
	VINSERTF64X4
	VEXTRACTF128
	VINSERTF128
	VSHUFPS
	VPERMPD
	VMOVSHDUP
	VUNPCKLPS
	VUNPCKHPS
	VPERMPS
	VGATHERDPS
	VPGATHERDD
	VGATHERDPD
	VGATHERDPSV // VEX: the mask is the vector in vvvv
	VGATHERDPDV
	VSCATTERDPS
	VSCATTERDPD
	VCOMPRESSPS
	VPCOMPRESSD
	VCOMPRESSPD
	VPTEST
	KANDW
	KANDNW
	KORW
	KXORW
	KXNORW
	KNOTW
	KORTESTW
	KUNPCKBW
	KSHIFTRW
	KMOVW
	KMOVWStore
	KMOVWFromReg
	KMOVWToReg
	numOps
)

var forms = [numOps]form{
	VADDPS:  {"vaddps", map0F, pNone, 0, 0, 0x58, 0, rm3, 4, full},
	VADDPD:  {"vaddpd", map0F, p66, 0, 1, 0x58, 0, rm3, 8, full},
	VSUBPS:  {"vsubps", map0F, pNone, 0, 0, 0x5c, 0, rm3, 4, full},
	VSUBPD:  {"vsubpd", map0F, p66, 0, 1, 0x5c, 0, rm3, 8, full},
	VMULPS:  {"vmulps", map0F, pNone, 0, 0, 0x59, 0, rm3, 4, full},
	VMULPD:  {"vmulpd", map0F, p66, 0, 1, 0x59, 0, rm3, 8, full},
	VDIVPS:  {"vdivps", map0F, pNone, 0, 0, 0x5e, 0, rm3, 4, full},
	VDIVPD:  {"vdivpd", map0F, p66, 0, 1, 0x5e, 0, rm3, 8, full},
	VMINPS:  {"vminps", map0F, pNone, 0, 0, 0x5d, 0, rm3, 4, full},
	VMINPD:  {"vminpd", map0F, p66, 0, 1, 0x5d, 0, rm3, 8, full},
	VMAXPS:  {"vmaxps", map0F, pNone, 0, 0, 0x5f, 0, rm3, 4, full},
	VMAXPD:  {"vmaxpd", map0F, p66, 0, 1, 0x5f, 0, rm3, 8, full},
	VSQRTPS: {"vsqrtps", map0F, pNone, 0, 0, 0x51, 0, rm2, 4, full},
	VSQRTPD: {"vsqrtpd", map0F, p66, 0, 1, 0x51, 0, rm2, 8, full},
	VANDPS:  {"vandps", map0F, pNone, 0, 0, 0x54, 0, rm3, 4, full},
	VANDNPS: {"vandnps", map0F, pNone, 0, 0, 0x55, 0, rm3, 4, full},
	VORPS:   {"vorps", map0F, pNone, 0, 0, 0x56, 0, rm3, 4, full},
	VANDPD:  {"vandpd", map0F, p66, 0, 1, 0x54, 0, rm3, 8, full},
	VXORPD:  {"vxorpd", map0F, p66, 0, 1, 0x57, 0, rm3, 8, full},
	VORPD:   {"vorpd", map0F, p66, 0, 1, 0x56, 0, rm3, 8, full},
	VXORPS:  {"vxorps", map0F, pNone, 0, 0, 0x57, 0, rm3, 4, full},

	VFMADD132PS:  {"vfmadd132ps", map0F38, p66, 0, 0, 0x98, 0, rm3, 4, full},
	VFMADD213PS:  {"vfmadd213ps", map0F38, p66, 0, 0, 0xa8, 0, rm3, 4, full},
	VFMADD231PS:  {"vfmadd231ps", map0F38, p66, 0, 0, 0xb8, 0, rm3, 4, full},
	VFMADD132PD:  {"vfmadd132pd", map0F38, p66, 1, 1, 0x98, 0, rm3, 8, full},
	VFMADD213PD:  {"vfmadd213pd", map0F38, p66, 1, 1, 0xa8, 0, rm3, 8, full},
	VFMADD231PD:  {"vfmadd231pd", map0F38, p66, 1, 1, 0xb8, 0, rm3, 8, full},
	VFNMADD132PS: {"vfnmadd132ps", map0F38, p66, 0, 0, 0x9c, 0, rm3, 4, full},
	VFNMADD213PS: {"vfnmadd213ps", map0F38, p66, 0, 0, 0xac, 0, rm3, 4, full},
	VFNMADD231PS: {"vfnmadd231ps", map0F38, p66, 0, 0, 0xbc, 0, rm3, 4, full},
	VRNDSCALEPS:  {"vrndscaleps", map0F3A, p66, 0, 0, 0x08, 0, rm2 | imm | evexOnly, 4, full},
	VRNDSCALEPD:  {"vrndscalepd", map0F3A, p66, 0, 1, 0x09, 0, rm2 | imm | evexOnly, 8, full},
	VROUNDPS:     {"vroundps", map0F3A, p66, 0, 0, 0x08, 0, rm2 | imm | vexOnly, 4, full},
	VROUNDPD:     {"vroundpd", map0F3A, p66, 0, 0, 0x09, 0, rm2 | imm | vexOnly, 8, full},
	VSCALEFPS:    {"vscalefps", map0F38, p66, 0, 0, 0x2c, 0, rm3 | evexOnly, 4, full},
	VSCALEFPD:    {"vscalefpd", map0F38, p66, 0, 1, 0x2c, 0, rm3 | evexOnly, 8, full},
	VRANGEPS:     {"vrangeps", map0F3A, p66, 0, 0, 0x50, 0, rm3 | imm | evexOnly, 4, full},
	VRANGEPD:     {"vrangepd", map0F3A, p66, 0, 1, 0x50, 0, rm3 | imm | evexOnly, 8, full},

	VCMPPS:    {"vcmpps", map0F, pNone, 0, 0, 0xc2, 0, compares, 4, full},
	VCMPPD:    {"vcmppd", map0F, p66, 0, 1, 0xc2, 0, compares, 8, full},
	VCMPPSV:   {"vcmpps", map0F, pNone, 0, 0, 0xc2, 0, rm3 | imm | vexOnly, 4, full},
	VCMPPDV:   {"vcmppd", map0F, p66, 0, 0, 0xc2, 0, rm3 | imm | vexOnly, 8, full},
	VBLENDMPS: {"vblendmps", map0F38, p66, 0, 0, 0x65, 0, rm3 | evexOnly, 4, full},
	VBLENDMPD: {"vblendmpd", map0F38, p66, 0, 1, 0x65, 0, rm3 | evexOnly, 8, full},
	VBLENDVPS: {"vblendvps", map0F3A, p66, 0, 0, 0x4a, 0, rm3 | imm | fourth | vexOnly, 4, full},
	VBLENDVPD: {"vblendvpd", map0F3A, p66, 0, 0, 0x4b, 0, rm3 | imm | fourth | vexOnly, 8, full},
	VBLENDPS:  {"vblendps", map0F3A, p66, 0, 0, 0x0c, 0, rm3 | imm | vexOnly, 4, full},

	VMOVAPS:         {"vmovaps", map0F, pNone, 0, 0, 0x28, 0, moves, 4, full},
	VMOVAPSStore:    {"vmovaps", map0F, pNone, 0, 0, 0x29, 0, movesTo, 4, full},
	VMOVUPS:         {"vmovups", map0F, pNone, 0, 0, 0x10, 0, moves, 4, full},
	VMOVUPSStore:    {"vmovups", map0F, pNone, 0, 0, 0x11, 0, movesTo, 4, full},
	VMOVAPD:         {"vmovapd", map0F, p66, 0, 1, 0x28, 0, moves, 8, full},
	VMOVUPD:         {"vmovupd", map0F, p66, 0, 1, 0x10, 0, moves, 8, full},
	VMOVUPDStore:    {"vmovupd", map0F, p66, 0, 1, 0x11, 0, movesTo, 8, full},
	VMASKMOVPS:      {"vmaskmovps", map0F38, p66, 0, 0, 0x2c, 0, load | srcVec | vexOnly, 4, full},
	VMASKMOVPSStore: {"vmaskmovps", map0F38, p66, 0, 0, 0x2e, 0, stores | srcVec | vexOnly, 4, full},
	VMASKMOVPD:      {"vmaskmovpd", map0F38, p66, 0, 0, 0x2d, 0, load | srcVec | vexOnly, 8, full},
	VMASKMOVPDStore: {"vmaskmovpd", map0F38, p66, 0, 0, 0x2f, 0, stores | srcVec | vexOnly, 8, full},
	VBROADCASTSS:    {"vbroadcastss", map0F38, p66, 0, 0, 0x18, 0, moves | xmmRM, 4, element},
	VBROADCASTSD:    {"vbroadcastsd", map0F38, p66, 0, 1, 0x19, 0, moves | xmmRM | no128, 8, element},
	VPBROADCASTDR:   {"vpbroadcastd", map0F38, p66, 0, 0, 0x7c, 0, regVec | rmReg | evexOnly, 4, full},
	VMOVD:           {"vmovd", map0F, p66, 0, 0, 0x6e, 0, regVec | rmReg | rmMem | noBroadcast | only128 | noMask, 4, element},
	VMOVDStore:      {"vmovd", map0F, p66, 0, 0, 0x7e, 0, regVec | rmReg | rmMem | noBroadcast | store | only128 | noMask, 4, element},
	VMOVQStore:      {"vmovq", map0F, p66, 0, 1, 0xd6, 0, regVec | rmMem | noBroadcast | store | only128 | noMask, 8, element},
	VPMOVSXDQ:       {"vpmovsxdq", map0F38, p66, 0, 0, 0x25, 0, moves | halfRM, 4, half},
	VPMOVDW:         {"vpmovdw", map0F38, pF3, 0, 0, 0x33, 0, movesTo | halfRM | evexOnly, 2, half},
	VPMOVZXWD:       {"vpmovzxwd", map0F38, p66, 0, 0, 0x33, 0, moves | halfRM, 2, half},
	VMOVMSKPS:       {"vmovmskps", map0F, pNone, 0, 0, 0x50, 0, regReg | rmVec | vexOnly, 4, full},

	VPADDD:     {"vpaddd", map0F, p66, 0, 0, 0xfe, 0, rm3, 4, full},
	VPSUBD:     {"vpsubd", map0F, p66, 0, 0, 0xfa, 0, rm3, 4, full},
	VPMULLD:    {"vpmulld", map0F38, p66, 0, 0, 0x40, 0, rm3, 4, full},
	VPMULDQ:    {"vpmuldq", map0F38, p66, 0, 1, 0x28, 0, rm3, 8, full},
	VPMULUDQ:   {"vpmuludq", map0F, p66, 0, 1, 0xf4, 0, rm3, 8, full},
	VPMINSD:    {"vpminsd", map0F38, p66, 0, 0, 0x39, 0, rm3, 4, full},
	VPMAXSD:    {"vpmaxsd", map0F38, p66, 0, 0, 0x3d, 0, rm3, 4, full},
	VPMINUD:    {"vpminud", map0F38, p66, 0, 0, 0x3b, 0, rm3, 4, full},
	VPMAXUD:    {"vpmaxud", map0F38, p66, 0, 0, 0x3f, 0, rm3, 4, full},
	VPABSD:     {"vpabsd", map0F38, p66, 0, 0, 0x1e, 0, rm2, 4, full},
	VPACKUSDW:  {"vpackusdw", map0F38, p66, 0, 0, 0x2b, 0, rm3, 4, full},
	VPANDD:     {"vpandd", map0F, p66, 0, 0, 0xdb, 0, rm3 | evexOnly, 4, full},
	VPANDND:    {"vpandnd", map0F, p66, 0, 0, 0xdf, 0, rm3 | evexOnly, 4, full},
	VPORD:      {"vpord", map0F, p66, 0, 0, 0xeb, 0, rm3 | evexOnly, 4, full},
	VPXORD:     {"vpxord", map0F, p66, 0, 0, 0xef, 0, rm3 | evexOnly, 4, full},
	VPAND:      {"vpand", map0F, p66, 0, 0, 0xdb, 0, rm3 | vexOnly, 4, full},
	VPANDN:     {"vpandn", map0F, p66, 0, 0, 0xdf, 0, rm3 | vexOnly, 4, full},
	VPOR:       {"vpor", map0F, p66, 0, 0, 0xeb, 0, rm3 | vexOnly, 4, full},
	VPXOR:      {"vpxor", map0F, p66, 0, 0, 0xef, 0, rm3 | vexOnly, 4, full},
	VPTERNLOGD: {"vpternlogd", map0F3A, p66, 0, 0, 0x25, 0, rm3 | imm | evexOnly, 4, full},
	VPCMPD:     {"vpcmpd", map0F3A, p66, 0, 0, 0x1f, 0, compares, 4, full},
	VPCMPUD:    {"vpcmpud", map0F3A, p66, 0, 0, 0x1e, 0, compares, 4, full},
	VPCMPEQD:   {"vpcmpeqd", map0F, p66, 0, 0, 0x76, 0, rm3 | vexOnly, 4, full},
	VPCMPGTD:   {"vpcmpgtd", map0F, p66, 0, 0, 0x66, 0, rm3 | vexOnly, 4, full},
	VPSLLVD:    {"vpsllvd", map0F38, p66, 0, 0, 0x47, 0, rm3, 4, full},
	VPSRLVD:    {"vpsrlvd", map0F38, p66, 0, 0, 0x45, 0, rm3, 4, full},
	VPSRAVD:    {"vpsravd", map0F38, p66, 0, 0, 0x46, 0, rm3, 4, full},
	VPSLLD:     {"vpslld", map0F, p66, 0, 0, 0x72, 6, regVec | rmVec | imm | extended, 4, full},
	VPSRLD:     {"vpsrld", map0F, p66, 0, 0, 0x72, 2, regVec | rmVec | imm | extended, 4, full},
	VPSRAD:     {"vpsrad", map0F, p66, 0, 0, 0x72, 4, regVec | rmVec | imm | extended, 4, full},
	VPSRLQ:     {"vpsrlq", map0F, p66, 0, 1, 0x73, 2, regVec | rmVec | imm | extended, 8, full},
	VPSLLQ:     {"vpsllq", map0F, p66, 0, 1, 0x73, 6, regVec | rmVec | imm | extended, 8, full},

	VCVTDQ2PS:   {"vcvtdq2ps", map0F, pNone, 0, 0, 0x5b, 0, rm2, 4, full},
	VCVTTPS2DQ:  {"vcvttps2dq", map0F, pF3, 0, 0, 0x5b, 0, rm2, 4, full},
	VCVTUDQ2PS:  {"vcvtudq2ps", map0F, pF2, 0, 0, 0x7a, 0, rm2 | evexOnly, 4, full},
	VCVTTPS2UDQ: {"vcvttps2udq", map0F, pNone, 0, 0, 0x78, 0, rm2 | evexOnly, 4, full},
	VCVTPS2PD:   {"vcvtps2pd", map0F, pNone, 0, 0, 0x5a, 0, rm2 | halfRM, 4, half},
	VCVTPD2PS:   {"vcvtpd2ps", map0F, p66, 0, 1, 0x5a, 0, rm2 | halfReg, 8, full},
	VCVTDQ2PD:   {"vcvtdq2pd", map0F, pF3, 0, 0, 0xe6, 0, rm2 | halfRM, 4, half},
	VCVTTPD2DQ:  {"vcvttpd2dq", map0F, p66, 0, 1, 0xe6, 0, rm2 | halfReg, 8, full},
	VCVTUDQ2PD:  {"vcvtudq2pd", map0F, pF3, 0, 0, 0x7a, 0, rm2 | halfRM | evexOnly, 4, half},
	VCVTTPD2UDQ: {"vcvttpd2udq", map0F, pNone, 0, 1, 0x78, 0, rm2 | halfReg | evexOnly, 8, full},
	VCVTPH2PS:   {"vcvtph2ps", map0F38, p66, 0, 0, 0x13, 0, moves | halfRM, 2, half},
	VCVTPS2PH:   {"vcvtps2ph", map0F3A, p66, 0, 0, 0x1d, 0, movesTo | halfRM | imm, 2, half},

	VEXTRACTF64X4: {"vextractf64x4", map0F3A, p66, 0, 1, 0x1b, 0, movesTo | halfRM | imm | evexOnly | no128 | no256, 8, fixed32},
	VINSERTF64X4:  {"vinsertf64x4", map0F3A, p66, 0, 1, 0x1a, 0, rm3 | noBroadcast | halfRM | imm | evexOnly | no128 | no256, 8, fixed32},
	VEXTRACTF128:  {"vextractf128", map0F3A, p66, 0, 0, 0x19, 0, movesTo | halfRM | imm | vexOnly | no128, 4, full},
	VINSERTF128:   {"vinsertf128", map0F3A, p66, 0, 0, 0x18, 0, rm3 | noBroadcast | halfRM | imm | vexOnly | no128, 4, full},
	VSHUFPS:       {"vshufps", map0F, pNone, 0, 0, 0xc6, 0, rm3 | imm, 4, full},
	VPERMPD:       {"vpermpd", map0F3A, p66, 1, 1, 0x01, 0, rm2 | imm | no128, 8, full},
	VMOVSHDUP:     {"vmovshdup", map0F, pF3, 0, 0, 0x16, 0, moves, 4, full},
	VUNPCKLPS:     {"vunpcklps", map0F, pNone, 0, 0, 0x14, 0, rm3, 4, full},
	VUNPCKHPS:     {"vunpckhps", map0F, pNone, 0, 0, 0x15, 0, rm3, 4, full},
	VPERMPS:       {"vpermps", map0F38, p66, 0, 0, 0x16, 0, rm3 | no128, 4, full},

	VGATHERDPS:  {"vgatherdps", map0F38, p66, 0, 0, 0x92, 0, load | gathers | evexOnly, 4, element},
	VPGATHERDD:  {"vpgatherdd", map0F38, p66, 0, 0, 0x90, 0, load | gathers | evexOnly, 4, element},
	VGATHERDPD:  {"vgatherdpd", map0F38, p66, 0, 1, 0x92, 0, load | gathers | evexOnly, 8, element},
	VGATHERDPSV: {"vgatherdps", map0F38, p66, 0, 0, 0x92, 0, load | gathers | srcVec | wholeSource | vexOnly, 4, element},
	VGATHERDPDV: {"vgatherdpd", map0F38, p66, 1, 1, 0x92, 0, load | gathers | srcVec | wholeSource | vexOnly, 8, element},
	VSCATTERDPS: {"vscatterdps", map0F38, p66, 0, 0, 0xa2, 0, stores | gathers | evexOnly, 4, element},
	VSCATTERDPD: {"vscatterdpd", map0F38, p66, 0, 1, 0xa2, 0, stores | gathers | evexOnly, 8, element},
	VCOMPRESSPS: {"vcompressps", map0F38, p66, 0, 0, 0x8a, 0, movesTo | evexOnly, 4, packed},
	VPCOMPRESSD: {"vpcompressd", map0F38, p66, 0, 0, 0x8b, 0, movesTo | evexOnly, 4, packed},
	VCOMPRESSPD: {"vcompresspd", map0F38, p66, 0, 1, 0x8a, 0, movesTo | evexOnly, 8, packed},
	VPTEST:      {"vptest", map0F38, p66, 0, 0, 0x17, 0, rm2 | noBroadcast | vexOnly, 4, full},

	KANDW:        {"kandw", map0F, pNone, 0, 0, 0x41, 0, masks3, 0, full},
	KANDNW:       {"kandnw", map0F, pNone, 0, 0, 0x42, 0, masks3, 0, full},
	KORW:         {"korw", map0F, pNone, 0, 0, 0x45, 0, masks3, 0, full},
	KXORW:        {"kxorw", map0F, pNone, 0, 0, 0x47, 0, masks3, 0, full},
	KXNORW:       {"kxnorw", map0F, pNone, 0, 0, 0x46, 0, masks3, 0, full},
	KNOTW:        {"knotw", map0F, pNone, 0, 0, 0x44, 0, masks2, 0, full},
	KORTESTW:     {"kortestw", map0F, pNone, 0, 0, 0x98, 0, masks2, 0, full},
	KUNPCKBW:     {"kunpckbw", map0F, p66, 0, 0, 0x4b, 0, masks3, 0, full},
	KSHIFTRW:     {"kshiftrw", map0F3A, p66, 1, 0, 0x30, 0, masks2 | imm, 0, full},
	KMOVW:        {"kmovw", map0F, pNone, 0, 0, 0x90, 0, masks2 | rmMem, 0, full},
	KMOVWStore:   {"kmovw", map0F, pNone, 0, 0, 0x91, 0, regMask | rmMem | store | vexOnly | only128, 0, full},
	KMOVWFromReg: {"kmovw", map0F, pNone, 0, 0, 0x92, 0, regMask | rmReg | vexOnly | only128, 0, full},
	KMOVWToReg:   {"kmovw", map0F, pNone, 0, 0, 0x93, 0, regReg | rmMask | vexOnly | only128, 0, full},
}
