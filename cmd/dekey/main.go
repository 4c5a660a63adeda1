// Command dekey takes Google service account key files out of GKE.
package main

func main() {}
