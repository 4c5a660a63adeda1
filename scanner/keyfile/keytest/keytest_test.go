package keytest

import "testing"

func TestTheSameSeedGivesTheSameKey(t *testing.T) {
	a := New("a", "a@acme.iam.gserviceaccount.com")
	if err := a.Private.Validate(); err != nil {
		t.Fatal(err)
	}
	if again := generate("a"); !again.Equal(a.Private) {
		t.Error("the same seed gave two keys")
	}
	if b := New("b", a.Email); b.ID() == a.ID() {
		t.Error("two seeds gave one key")
	}
}
