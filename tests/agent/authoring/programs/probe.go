// Asks for everything that a host may give a program, and says what it got, a line each.
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	fmt.Print("arguments")
	for _, each := range os.Args {
		fmt.Printf(" [%s]", each)
	}
	fmt.Printf("\nenvironment [%s] [%s]\n", os.Getenv("PLACE"), os.Getenv("EMPTY"))
	input, _ := io.ReadAll(os.Stdin)
	// By way of a map, whose order follows from random bytes, and of another goroutine.
	found := map[byte]int{}
	for _, each := range input {
		found[each]++
	}
	sums := make(chan int)
	go func() {
		sum := 0
		for each, times := range found {
			sum += int(each) * times
		}
		sums <- sum
	}()
	fmt.Printf("input %d %d\n", len(input), <-sums)
	fmt.Printf("year %d\n", time.Now().UTC().Year())
	began := time.Now()
	time.Sleep(2 * time.Second)
	fmt.Printf("slept %d\n", int(time.Since(began).Seconds()))
	random := make([]byte, 8)
	if _, fault := rand.Read(random); fault != nil {
		os.Exit(1)
	}
	fmt.Printf("random %x\n", random)
	_, fault := os.Open("/etc/passwd")
	if fault != nil {
		fmt.Println("file refused")
	}
	terminal := "no"
	if here, fault := os.Stdout.Stat(); fault == nil && here.Mode()&os.ModeCharDevice != 0 {
		terminal = "yes"
	}
	fmt.Println("terminal " + terminal)
	fmt.Fprintln(os.Stderr, "told on the side")
	if len(input) == 0 {
		os.Exit(3)
	}
}
