package render_test

import (
	"context"
	"os"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

func TestLook(t *testing.T) {
	f := os.Getenv("LOOK")
	if f == "" {
		t.Skip()
	}
	s, err := scene.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	e := kernel.New(kernel.Options{})
	defer e.Close()
	v, err := render.NewView(e, s, s.Views[0].Name, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	im, err := v.Render(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(v.Misses())
	if err := film.Save("/tmp/look.png", render.Image(v, im), film.Output{}); err != nil {
		t.Fatal(err)
	}
}
