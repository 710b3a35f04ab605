package registry

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

const mediaType = "application/vnd.oci.image."

// blob is content that is asked for by its digest: a part of a file, or data in memory.
type blob struct {
	file         string
	offset, size int64
	digest       string
	data         []byte // of small JSON entries only
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// image is a manifest as it is sent, its digest, and the blobs that it names.
type image struct {
	manifest []byte
	digest   string
	blobs    []blob
}

// readArchive reads a docker archive of one image with uncompressed layers.
func readArchive(file string) (image, error) {
	entries, err := readEntries(file)
	if err != nil {
		return image{}, err
	}
	var list []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(entries["manifest.json"].data, &list); err != nil || len(list) != 1 {
		return image{}, fmt.Errorf("manifest.json names %d images, want one (%v)", len(list), err)
	}
	config := entries[list[0].Config]
	made := manifest{SchemaVersion: 2, MediaType: mediaType + "manifest.v1+json", Config: config.describe("config.v1+json")}
	blobs := []blob{config}
	for _, name := range list[0].Layers {
		made.Layers = append(made.Layers, entries[name].describe("layer.v1.tar"))
		blobs = append(blobs, entries[name])
	}
	raw, err := json.Marshal(made)
	if err != nil {
		return image{}, err
	}
	return image{raw, fmt.Sprintf("sha256:%x", sha256.Sum256(raw)), blobs}, nil
}

func (b blob) describe(kind string) descriptor { return descriptor{mediaType + kind, b.digest, b.size} }

func readEntries(file string) (map[string]blob, error) {
	archive, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	entries := map[string]blob{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return entries, nil
		} else if err != nil {
			return nil, err
		}
		offset, err := archive.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		entry := blob{file: file, offset: offset, size: header.Size}
		sum := sha256.New()
		content := io.TeeReader(reader, sum)
		if strings.HasSuffix(header.Name, ".json") {
			entry.data, err = io.ReadAll(content)
		} else {
			_, err = io.Copy(io.Discard, content)
		}
		if err != nil {
			return nil, err
		}
		entry.digest = fmt.Sprintf("sha256:%x", sum.Sum(nil))
		entries[header.Name] = entry
	}
}
