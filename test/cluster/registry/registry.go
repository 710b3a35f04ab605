// Package registry is a read-only image registry with one rule: any image name and tag is answered. The
// archive named like the last part of the repository path is served, else the default one; so manifests
// keep their real names.
package registry

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

type server struct {
	blobs    map[string]blob
	images   map[string]image
	fallback string
}

// Main serves the docker archives that the arguments name.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:5000", "address")
	fallback := flags.String("default", "work", "archive for names that have none of their own")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	s := &server{map[string]blob{}, map[string]image{}, *fallback}
	for _, file := range flags.Args() {
		read, err := readArchive(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		s.images[strings.TrimSuffix(filepath.Base(file), ".tar")] = read
		for _, b := range read.blobs {
			s.blobs[b.digest] = b
		}
	}
	if _, there := s.images[*fallback]; !there {
		return fmt.Errorf("no archive for the default image %q", *fallback)
	}
	return http.ListenAndServe(*listen, s)
}

// ServeHTTP answers the two kinds of path that a pull needs, and anything else as the API's root.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if repository, reference, ok := strings.Cut(r.URL.Path, "/manifests/"); ok {
		s.sendManifest(w, r, repository, reference)
	} else if _, digest, ok := strings.Cut(r.URL.Path, "/blobs/"); ok {
		s.sendBlob(w, r, digest)
	} else {
		fmt.Fprint(w, "{}")
	}
}

func (s *server) sendManifest(w http.ResponseWriter, r *http.Request, repository, reference string) {
	found, own := s.images[path.Base(repository)]
	if !own {
		found = s.images[s.fallback]
	}
	if strings.HasPrefix(reference, "sha256:") && reference != found.digest {
		http.NotFound(w, r) // pinned digests cannot be faked
		return
	}
	log.Printf("%s %s%s:%s", r.Method, r.URL.Query().Get("ns"), strings.TrimPrefix(repository, "/v2"), reference)
	w.Header().Set("Content-Type", mediaType+"manifest.v1+json")
	w.Header().Set("Docker-Content-Digest", found.digest)
	w.Header().Set("Content-Length", fmt.Sprint(len(found.manifest)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(found.manifest)
	}
}

func (s *server) sendBlob(w http.ResponseWriter, r *http.Request, digest string) {
	found, there := s.blobs[digest]
	if !there {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(found.size))
	if r.Method == http.MethodHead {
		return
	}
	file, err := os.Open(found.file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	_, _ = io.Copy(w, io.NewSectionReader(file, found.offset, found.size))
}
