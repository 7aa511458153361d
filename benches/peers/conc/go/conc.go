package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type result struct {
	checksum int
	extra    []string
}

func spawnJoin(n int, _ string) result {
	out := make([]int, n)
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			out[i] = i
			wg.Done()
		}(i)
	}
	wg.Wait()
	sum := 0
	for _, v := range out {
		sum += v
	}
	return result{checksum: sum}
}

func pingpong(n int, _ string) result {
	a, b := make(chan int), make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			v := <-a
			b <- v + 1
		}
	}()
	sum := 0
	for i := 0; i < n; i++ {
		a <- i
		sum += <-b
	}
	return result{checksum: sum}
}

func ring(n int, _ string) result {
	const size = 1000
	chans := make([]chan int, size)
	for i := range chans {
		chans[i] = make(chan int)
	}
	done := make(chan int)
	for i := 0; i < size; i++ {
		go func(i int) {
			in, out := chans[i], chans[(i+1)%size]
			for v := range in {
				if v == 0 {
					done <- i + 1
					return
				}
				out <- v - 1
			}
		}(i)
	}
	chans[0] <- n
	return result{checksum: <-done}
}

func channelThroughput(n int, _ string) result {
	ch := make(chan int, 100)
	go func() {
		for i := 0; i < n; i++ {
			ch <- i
		}
		close(ch)
	}()
	sum := 0
	for v := range ch {
		sum += v
	}
	return result{checksum: sum}
}

func fanInSelect(n int, _ string) result {
	var chans [4]chan int
	for p := range chans {
		ch := make(chan int, 1)
		chans[p] = ch
		go func(p int) {
			for i := 0; i < n/4; i++ {
				ch <- i*4 + p
			}
			close(ch)
		}(p)
	}
	c0, c1, c2, c3 := chans[0], chans[1], chans[2], chans[3]
	sum, open := 0, 4
	for open > 0 {
		var v int
		var ok bool
		select {
		case v, ok = <-c0:
			if !ok {
				c0 = nil
			}
		case v, ok = <-c1:
			if !ok {
				c1 = nil
			}
		case v, ok = <-c2:
			if !ok {
				c2 = nil
			}
		case v, ok = <-c3:
			if !ok {
				c3 = nil
			}
		}
		if ok {
			sum += v
		} else {
			open--
		}
	}
	return result{checksum: sum}
}

func sleepers(n int, _ string) result {
	done := make(chan int, 1024)
	for i := 0; i < n; i++ {
		go func() {
			time.Sleep(time.Second)
			done <- 1
		}()
	}
	sum := 0
	for i := 0; i < n; i++ {
		sum += <-done
	}
	return result{checksum: sum}
}

func timers(n int, _ string) result {
	late := make([]float64, n)
	var wg sync.WaitGroup
	wg.Add(n)
	seed := 42
	for i := 0; i < n; i++ {
		seed = (seed*3877 + 29573) % 139968
		d := time.Duration(1+seed%100) * time.Millisecond
		go func(i int) {
			t0 := time.Now()
			time.Sleep(d)
			late[i] = float64(time.Since(t0)-d) / 1e3
			wg.Done()
		}(i)
	}
	wg.Wait()
	sort.Float64s(late)
	return result{n, []string{
		fmt.Sprintf("late_p50_us=%.0f", late[n/2]),
		fmt.Sprintf("late_p99_us=%.0f", late[n*99/100]),
		fmt.Sprintf("late_max_us=%.0f", late[n-1]),
	}}
}

func threeReads(int, string) result {
	ch := make(chan int)
	for i := 1; i <= 3; i++ {
		go func(v int) {
			time.Sleep(100 * time.Millisecond)
			ch <- v
		}(i)
	}
	return result{checksum: <-ch + <-ch + <-ch}
}

func fileReads(n int, dir string) result {
	sum := 0
	for r := 0; r < n; r++ {
		ents, err := os.ReadDir(dir)
		if err != nil {
			panic(err)
		}
		bufs := make([][]byte, len(ents))
		var wg sync.WaitGroup
		wg.Add(len(ents))
		for i, e := range ents {
			go func(i int, name string) {
				defer wg.Done()
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					panic(err)
				}
				bufs[i] = b
			}(i, e.Name())
		}
		wg.Wait()
		for _, b := range bufs {
			sum += len(b) + int(b[0])
		}
	}
	return result{checksum: sum}
}

func tcpEcho(n int, _ string) result {
	const clients, size = 100, 64
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for {
					k, err := c.Read(buf)
					if err != nil {
						return
					}
					if _, err := c.Write(buf[:k]); err != nil {
						return
					}
				}
			}()
		}
	}()
	out := make(chan int, clients)
	for i := 0; i < clients; i++ {
		go func(i int) {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				panic(err)
			}
			defer c.Close()
			msg := []byte(strings.Repeat(string(rune('a'+i%26)), size))
			buf := make([]byte, size)
			got := 0
			for k := 0; k < n; k++ {
				if _, err := c.Write(msg); err != nil {
					panic(err)
				}
				m, err := io.ReadFull(c, buf)
				if err != nil {
					panic(err)
				}
				got += m
			}
			out <- got
		}(i)
	}
	sum := 0
	for i := 0; i < clients; i++ {
		sum += <-out
	}
	ln.Close()
	return result{checksum: sum}
}

func chunkSum(n, c int) int {
	s := c
	for i := 1; i <= n; i++ {
		s = (s*31 + i) % 1000003
	}
	return s
}

func cpuParallel(n int, _ string) result {
	const chunks = 8
	t0 := time.Now()
	seq := 0
	for c := 0; c < chunks; c++ {
		seq += chunkSum(n, c)
	}
	ms1 := float64(time.Since(t0)) / 1e6
	t0 = time.Now()
	ch := make(chan int)
	for w := 0; w < 2; w++ {
		go func(w int) {
			s := 0
			for c := w; c < chunks; c += 2 {
				s += chunkSum(n, c)
			}
			ch <- s
		}(w)
	}
	par := <-ch + <-ch
	ms2 := float64(time.Since(t0)) / 1e6
	if par != seq {
		panic("mismatch")
	}
	return result{par, []string{
		fmt.Sprintf("ms1=%.1f", ms1), fmt.Sprintf("ms2=%.1f", ms2), fmt.Sprintf("speedup=%.2f", ms1/ms2),
	}}
}

func main() {
	benches := map[string]func(int, string) result{
		"spawn_join": spawnJoin, "pingpong": pingpong, "ring": ring,
		"channel_throughput": channelThroughput, "fan_in_select": fanInSelect,
		"sleepers": sleepers, "timers": timers, "three_reads": threeReads,
		"file_reads": fileReads, "tcp_echo": tcpEcho, "cpu_parallel": cpuParallel,
	}
	n, _ := strconv.Atoi(os.Args[2])
	dir := ""
	if len(os.Args) > 3 {
		dir = os.Args[3]
	}
	t0 := time.Now()
	r := benches[os.Args[1]](n, dir)
	ms := float64(time.Since(t0)) / 1e6
	fmt.Println(strings.Join(append([]string{fmt.Sprintf("checksum=%d", r.checksum), fmt.Sprintf("ms=%.2f", ms)}, r.extra...), " "))
}
