# realmkey-policy: deny-all
package policy

default allow := false
