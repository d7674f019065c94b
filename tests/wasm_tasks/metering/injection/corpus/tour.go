// The language and its runtime as programs use them: maps, closures, goroutines, a panic caught.
package main

import "syscall"

type shape interface{ area() float64 }

type square float64
type disc float64

func (s square) area() float64 { return float64(s) * float64(s) }
func (d disc) area() float64   { return 3.25 * float64(d) * float64(d) }

func squares(count int) chan int {
	numbers := make(chan int)
	go func() {
		for i := range count {
			numbers <- i * i
		}
		close(numbers)
	}()
	return numbers
}

func divide(a, b int) (quotient int) {
	defer func() {
		if recover() != nil {
			quotient = -1
		}
	}()
	return a / b
}

func digits(number int) string {
	if number < 0 {
		return "-" + digits(-number)
	}
	if number < 10 {
		return string(rune('0' + number))
	}
	return digits(number/10) + digits(number%10)
}

func main() {
	counts := map[string]int{}
	words := []string{"the", "quick", "brown", "fox"}
	for number := range squares(200) {
		counts[words[number/3%len(words)]] += number
	}
	total := 0.0
	for i := range 100 {
		for _, each := range []shape{square(i), disc(i)} {
			total += each.area()
		}
	}
	text := ""
	for _, word := range words {
		text += word + " " + digits(counts[word]) + "\n"
	}
	text += digits(int(total)) + " " + digits(divide(7, counts["none"])) + "\n"
	syscall.Write(1, []byte(text))
}
