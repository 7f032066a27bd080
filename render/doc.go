// Package render turns a view of a scene into modules: one that computes its image, and ones that compute the image's
// derivatives with respect to the scene's numbers, visibility included. It must not know what images are compared
// with or how parameters move; scene and fit do. Start with view.go (what callers use), then module.go (the stages),
// search.go (finding surfaces and edges, without derivatives) and radiance.go (the live image).
//
// A module has two map stages. The search marches along the rays and records, for every sample, what it met: the hit,
// the nearest edges, what the radiance jumps by there. The radiance stage is straight-line code over the scene's
// numbers and that record, so that package grad never meets a loop and every pass over a Jacobian reuses the hits.
package render
