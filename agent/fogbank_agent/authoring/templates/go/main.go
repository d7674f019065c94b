// A command: the input is standard input, the output is what goes to standard output.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(bytes.Count(text, []byte("\n")), len(bytes.Fields(text)), len(text))
}
